/** Every action there is. A name is found exactly or not at all. */
import type { EffectfulAction, ObservingAction } from './define.ts'
import { httpPost } from './http-post.ts'
import { apiKeyCreate } from './api-key-create.ts'
import { killSwitchResume } from './kill-switch-resume.ts'
import { membershipPut } from './membership-put.ts'
import { noteAppend } from './note-append.ts'
import { noteList } from './note-list.ts'
import { noteRemove } from './note-remove.ts'
import { noteRestore } from './note-restore.ts'
import { objectPut } from './object-put.ts'
import { operationResolve } from './operation-resolve.ts'
import { operatorKeyCreate } from './operator-key-create.ts'
import { policyPut } from './policy-put.ts'
import { rawRegister } from './raw-register.ts'
import { strategyLockApprove } from './strategy-lock-approve.ts'
import { principalCreate } from './principal-create.ts'
import { CONTROL_ACTIONS } from './single-controls.ts'
import { tenantCreate } from './tenant-create.ts'
import { trainPrefsPut } from './train-prefs-put.ts'

export type RegisteredAction = EffectfulAction<unknown> | ObservingAction<unknown>

const ALL: readonly RegisteredAction[] = [
  noteAppend,
  noteRemove,
  noteRestore,
  noteList,
  objectPut,
  rawRegister,
  httpPost,
  policyPut,
  killSwitchResume,
  tenantCreate,
  operatorKeyCreate,
  operationResolve,
  principalCreate,
  membershipPut,
  apiKeyCreate,
  strategyLockApprove,
  trainPrefsPut,
  ...CONTROL_ACTIONS,
]

export const ACTIONS: ReadonlyMap<string, RegisteredAction> = new Map(ALL.map((action) => [action.name, action]))

/** The action planned under this name and version, or null when the registry no longer has it. */
export function findEffectful(name: string, version: number): EffectfulAction<unknown> | null {
  const action = ACTIONS.get(name)
  return action !== undefined && action.class !== 'observe' && action.version === version
    ? (action as EffectfulAction<unknown>)
    : null
}
