/** `exo replay --what-if`: the same operations under other facts or another policy. */
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { type Failure, refuse } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { visible } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { Paint } from '../terminal.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { Undecided } from '../deciding-again.ts'
import type { WhatIf } from '../../verify/what-if.ts'

export function addReplay(program: Command, run: Runner): void {
  program
    .command('replay')
    .helpGroup(GROUPS.prove)
    .summary('decide again under other facts or another policy')
    .description(
      'Decides again over the recorded facts of bundles with some of them changed, and says what changes first.',
    )
    .argument('<paths...>', 'bundles, or folders of bundles')
    .requiredOption('--what-if <file>', 'the change: {"facts": {…}}, or a control document {"policy": {…}}')
    .addHelpText('after', EXAMPLES)
    .action(run(replay))
}

const EXAMPLES = `
Examples of a change:
  {"facts": {"switches[0].state": "stopped"}}
  {"policy": {"budget": [{"scope": {}, "threshold": "10", "window_days": 7}], "not_required": []}}
A control document is written as exo policy get prints it; a section it leaves out stays as it was recorded, the waivers of
not_required too. A gate that needs what nobody recorded blocks, as it would have. What no gate needs is named all the same,
and changes nothing. No gate reads license_types, rate_limits, feature_flags and egress. Nothing is authenticated here:
exo verify does. Exit 0 when every bundle was decided again, whatever changed; 1 when one could not be.`

async function replay(session: Session, paths: string[], { whatIf: file }: { whatIf: string }): Promise<Outcome> {
  const { bundlesIn, decideAgain, readWhatIf } = await import('../deciding-again.ts')
  const change = await readWhatIf(file)
  const found = await bundlesIn(paths)
  if (found.length === 0) throw refuse('cli.nothing_to_replay', 'No bundle was found.')
  const { runs, undecided } = await decideAgain(found, change)
  if (runs.length === 0) throw nothingDecided(undecided)
  const changed = runs.filter(isChanged).length
  return {
    exit: undecided.length === 0 ? EXIT.ok : EXIT.refused,
    json: { changed, runs: runs as unknown as JsonObject[], undecided: undecided as unknown as JsonObject[] },
    text: [
      ...runs.map((run) => runText(run, session.terminal.paint)),
      ...undecided.map((each) => undecidedText(each, session.terminal.paint)),
      '',
      `${changed} of ${runs.length} would have ended otherwise`,
      ...(undecided.length === 0 ? [] : [`${undecided.length} could not be decided again`]),
    ].join('\n'),
  }
}

function nothingDecided(undecided: readonly Undecided[]): Failure {
  const lines = undecided.map(({ path, message }) => `${path} cannot be decided again: ${message}.`)
  return refuse('cli.bundle_unreadable', lines.join('\n'), { remedy: `exo verify ${undecided[0]?.path} says more.` })
}

const undecidedText = ({ path, message }: Undecided, paint: Paint): string =>
  `${paint('red', 'unread')}   ${visible(path)}  ${visible(message)}`

const isChanged = ({ outcome }: WhatIf): boolean => outcome.was !== outcome.becomes

function runText(run: WhatIf, paint: Paint): string {
  const { operation_id, pass, gate, outcome, missing, needed } = run
  const id = visible(operation_id)
  const head = isChanged(run)
    ? `${paint('yellow', 'changed')}  ${id}  ${visible(outcome.was)} → ${visible(outcome.becomes)}`
    : `${paint('dim', 'same')}     ${id}  ${visible(outcome.was)}`
  const unrecorded = missing.map((place) =>
    needed.includes(place)
      ? `  nobody recorded ${visible(place)}, and a gate blocks without it`
      : `  nobody recorded ${visible(place)}, and no gate needs it`,
  )
  return [
    head,
    ...(gate === null ? [] : [`  pass ${pass}, ${gate.name}: ${visible(gate.was)} → ${visible(gate.becomes)}`]),
    ...unrecorded,
  ].join('\n')
}
