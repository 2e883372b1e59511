/** `exo whoami`: who the credential is, and what it may. */
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { GROUPS } from '../help.ts'
import { fieldLines, instantFrom } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { JsonObject } from '../../domain/canonical.ts'

interface Me extends JsonObject {
  principal: { id: string; kind: string; name: string }
  tenants: { id: string; role: string; permissions: string[] }[]
  on_behalf_of?: string[]
  platform_role: string | null
  credential: { id: string; expires_at: string }
}

export function addWhoami(program: Command, run: Runner): void {
  program
    .command('whoami')
    .helpGroup(GROUPS.run)
    .summary('who you are here, and what you may')
    .description('Who the credential is, in which tenants, and what it may.')
    .action(run(whoami))
}

async function whoami({ api, terminal }: Session): Promise<Outcome> {
  const me = (await api.me()) as Me
  const { principal, tenants, platform_role, credential, on_behalf_of } = me
  const fields = [
    { label: 'at', value: api.connection.url },
    ...(on_behalf_of === undefined ? [] : [{ label: 'for', value: on_behalf_of.join(', for ') }]),
    ...(platform_role === null
      ? []
      : [{ label: 'platform', value: `${platform_role}: ${(me.permissions as string[]).join(' ')}` }]),
    ...tenants.map(({ id, role, permissions }) => ({ label: id, value: `${role}: ${permissions.join(' ')}` })),
    { label: 'credential', value: `${credential.id}, until ${instantFrom(credential.expires_at, api.nowMs())}` },
  ]
  const text = [
    `${terminal.paint('bold', principal.id)}  ${principal.kind} ${principal.name}`,
    ...fieldLines(fields),
  ].join('\n')
  return { exit: EXIT.ok, json: me, text }
}
