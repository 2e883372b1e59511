/** `exo key`: the operator's own signing key, made here, registered with another person's vote, taken back by one alone. */
import type { Command } from 'commander'
import { checkReason } from '../ballot.ts'
import { EXIT } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { governedOutcome } from '../governed.ts'
import { GROUPS } from '../help.ts'
import { makeOwnKey, ownKeyPath, readOwnKey, registrationOf, type RegisteredKey } from '../own-key.ts'
import { columns, fieldLines, instant } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'

export function addKey(program: Command, run: Runner): void {
  const key = program
    .command('key')
    .helpGroup(GROUPS.approve)
    .helpCommand(false)
    .summary('your own signing key')
    .description(
      'Your own Ed25519 key. Once it is registered, your votes must be signed with it, whichever way they come.',
    )
  key
    .command('new')
    .description('Makes your key: $EXO_HOME/keys/ or EXO_KEY, readable by you alone.')
    .action(run(makeKey))
  key
    .command('enrol')
    .alias('enroll')
    .description('Registers its public half; another person approves.')
    .action(run(enrol))
  key.command('list').description("The tenant's registered keys.").action(run(list))
  key
    .command('revoke')
    .description(
      "Takes a registered key back, at once: your own, or anybody's as an owner. What waits loses its votes.",
    )
    .argument('<kid>', 'the key, as exo key list names it')
    .requiredOption('--reason <text>', 'why')
    .action(run(revoke))
}

async function makeKey(session: Session): Promise<Outcome> {
  const { path, jwk } = await makeOwnKey(await ownKeyPath(session))
  const { kty, crv, x } = jwk
  const fields = [
    { label: 'file', value: path },
    { label: 'public', value: x },
    { label: 'register', value: `exo key enrol${session.asOption}` },
  ]
  return {
    exit: EXIT.ok,
    json: { file: path, public_jwk: { kty, crv, x } },
    text: ['made your key', ...fieldLines(fields)].join('\n'),
  }
}

async function enrol(session: Session): Promise<Outcome> {
  const key = await readOwnKey(session)
  if (key === null) throw usage('There is no key to register.', { remedy: `exo key new${session.asOption}` })
  const registered = await registrationOf(session, key)
  if (registered !== null)
    return { exit: EXIT.ok, json: { ...registered }, text: `registered already  ${registered.kid}` }
  const { kty, crv, x } = key.jwk
  const { body } = await session.api.call('/operator-keys', {
    method: 'POST',
    body: { public_jwk: { kty, crv, x } },
  })
  return governedOutcome(
    session,
    body,
    (kid) => `registered  ${String(kid.kid)}\n  from now on your votes must carry this key's signature`,
  )
}

async function list(session: Session): Promise<Outcome> {
  const items = await session.api.all('/operator-keys')
  const rows = (items as unknown as RegisteredKey[]).map(({ kid, principal_id, not_before, revoked_at }) => [
    kid,
    principal_id,
    revoked_at === null ? `since ${instant(not_before)}` : `revoked ${instant(revoked_at)}`,
  ])
  const text = rows.length === 0 ? 'no keys are registered: the API attests every vote' : columns(rows, '').join('\n')
  return { exit: EXIT.ok, json: { items, next_cursor: null }, text }
}

async function revoke(session: Session, kid: string, { reason }: { reason: string }): Promise<Outcome> {
  if (!/^ok_[0-9a-f]{40}$/.test(kid))
    throw usage(`${kid} is not the id of a key.`, { remedy: `exo key list${session.asOption} names them.` })
  checkReason(reason)
  const { body } = await session.api.call(`/operator-keys/${kid}`, { method: 'DELETE', body: { reason } })
  const text = [
    `revoked  ${kid}`,
    '  what still waits loses the votes it signed; the API attests its owner’s votes again',
  ].join('\n')
  return { exit: EXIT.ok, json: body, text }
}
