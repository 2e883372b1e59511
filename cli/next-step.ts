/** The command that lifts a refusal, where there is one: told under the refusal, to people who met it the first time. */
import type { Problem } from './failure.ts'
import type { JsonObject } from '../domain/canonical.ts'

export function nextStep({ code, details }: Problem): string | null {
  if (code === 'kill_switch.blocked') return resumeStep(String(details.scope), details.selector as JsonObject | null)
  if (code.endsWith('.threshold_missing'))
    return 'exo policy get > policy.json, edit it, exo policy apply policy.json --reason WHY; another person approves'
  if (code === 'auth.insufficient_role' && isPlatformInTenant(details))
    return 'add --global: platform operators stop and resume the whole deployment, members their tenant'
  return null
}

/** A switch of a tenant, turned with a credential that has none. */
const isPlatformInTenant = ({ required }: JsonObject): boolean =>
  Array.isArray(required) && required.includes('a membership of the tenant')

/** How the switch is set running again. A value that is no plain word is left to whoever types. */
export function resumeStep(scope: string, selector: JsonObject | null): string {
  const { kind, value } = selector ?? {}
  const part =
    kind === 'all' || typeof kind !== 'string'
      ? ''
      : ` --${kind} ${/^[a-z0-9._-]+$/.test(String(value)) ? String(value) : 'WHICH'}`
  return scope === 'global'
    ? `exo resume --global${part} --reason WHY, as a platform operator; another one approves`
    : `exo resume${part} --reason WHY; another person approves`
}
