/** `exo policy`: the control document as a file: read it, compare it, ask for it. */
import type { Command } from 'commander'
import { checkReason } from '../ballot.ts'
import { EXIT } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { governedOutcome } from '../governed.ts'
import { GROUPS } from '../help.ts'
import { readJsonFile } from '../json-input.ts'
import { type Difference, policyDifference } from '../policy-difference.ts'
import { visible } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { Paint } from '../terminal.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import { POLICY_SECTIONS } from '../../domain/policy.ts'

export function addPolicy(program: Command, run: Runner): void {
  const policy = program
    .command('policy')
    .helpGroup(GROUPS.stop)
    .helpCommand(false)
    .summary('the control document as a file')
    .description('Switches, licences, budgets, corridors and limits as one JSON document.')
  policy.command('get').description('Prints the document that holds, with its version.').action(run(get))
  policy
    .command('diff')
    .description('Compares a file with the document that holds. Sections the file leaves out stay as they are.')
    .argument('<file>', 'the document, or what exo policy get printed; - for standard input')
    .option('--exit-code', 'exit 1 when they differ')
    .action(run(diff))
  policy
    .command('apply')
    .description('Asks to replace the sections of the file, as one change; another person approves.')
    .argument('<file>', 'the document, or what exo policy get printed; - for standard input')
    .requiredOption('--reason <text>', 'why')
    .action(run(apply))
}

interface Version extends JsonObject {
  version: number
  epoch: number
  policy: JsonObject
}

const readPolicy = async ({ api }: Session) => (await api.get('/policy')) as Version

async function get(session: Session): Promise<Outcome> {
  const held = await readPolicy(session)
  return { exit: EXIT.ok, json: held, text: JSON.stringify(held, null, 2) }
}

/** A bare document, or one with the version and the epoch of the switches it was made from. */
async function readFile(file: string): Promise<{ policy: JsonObject; version: number | null; epoch: number | null }> {
  const given = await readJsonFile(file)
  const whole = typeof given.policy === 'object' && given.policy !== null && !Array.isArray(given.policy)
  const policy = whole ? (given.policy as JsonObject) : given
  const unknown = Object.keys(policy).filter(
    (key) => !POLICY_SECTIONS.some((section) => section === key) && key !== 'egress',
  )
  if (unknown.length > 0)
    throw usage(
      `${file === '-' ? 'standard input' : file} has sections that no policy has: ${unknown.map(visible).join(', ')}.`,
      {
        remedy: `Sections are ${POLICY_SECTIONS.join(', ')}.`,
      },
    )
  const version = whole ? (given.base_version ?? given.version) : null
  const epoch = whole ? (given.base_epoch ?? given.epoch) : null
  return {
    policy,
    version: typeof version === 'number' ? version : null,
    epoch: typeof epoch === 'number' ? epoch : null,
  }
}

async function diff(session: Session, file: string, { exitCode }: { exitCode?: boolean }): Promise<Outcome> {
  const [{ policy, version, epoch }, held] = await Promise.all([readFile(file), readPolicy(session)])
  const differences = policyDifference(held.policy, policy)
  const stale = version !== null && version !== held.version
  const moved = policy.kill_switches !== undefined && epoch !== null && epoch !== held.epoch
  const text = [
    differences.length === 0
      ? `no difference to version ${held.version}`
      : differenceText(differences, session.terminal.paint),
    ...(stale ? [`the file was made from version ${version}, version ${held.version} holds`] : []),
    ...(moved ? ['a switch was changed since the file was made'] : []),
  ].join('\n')
  return {
    exit: exitCode === true && differences.length > 0 ? EXIT.refused : EXIT.ok,
    json: { version: held.version, made_from: version, differences: differences as unknown as JsonObject[] },
    text,
  }
}

async function apply(session: Session, file: string, { reason }: { reason: string }): Promise<Outcome> {
  checkReason(reason)
  const [{ policy, version, epoch }, held] = await Promise.all([readFile(file), readPolicy(session)])
  const body = {
    base_version: version ?? held.version,
    ...(policy.kill_switches === undefined ? {} : { base_epoch: epoch ?? held.epoch }),
    reason,
    policy,
  }
  const answer = (await session.api.call('/policy', { method: 'PUT', body })).body
  return governedOutcome(session, answer, (resource) => `version ${String(resource.version)} holds`)
}

function differenceText(differences: readonly Difference[], paint: Paint): string {
  return differences
    .map(({ section, sign, row }) => paint(sign === '+' ? 'green' : 'red', `${sign} ${section}  ${visible(row)}`))
    .join('\n')
}
