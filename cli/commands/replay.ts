/** `exo replay --what-if`: the same operations under other facts or another policy. */
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { refuse } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { visible } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { Paint } from '../terminal.ts'
import type { JsonObject } from '../../domain/canonical.ts'
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
  {"policy": {"budget": [{"scope": {}, "threshold": "10", "window_days": 7}]}}
What nobody recorded blocks, as it would have, and is listed as missing. Nothing is authenticated here: exo verify does.`

async function replay(session: Session, paths: string[], { whatIf: file }: { whatIf: string }): Promise<Outcome> {
  const { bundlesIn, decideAgain, readWhatIf } = await import('../deciding-again.ts')
  const change = await readWhatIf(file)
  const found = await bundlesIn(paths)
  if (found.length === 0) throw refuse('cli.nothing_to_replay', 'No bundle was found.')
  const runs: WhatIf[] = []
  for (const path of found) runs.push(await decideAgain(path, change))
  runs.sort((a, b) => (a.operation_id < b.operation_id ? -1 : 1))
  const changed = runs.filter(isChanged).length
  return {
    exit: EXIT.ok,
    json: { changed, runs: runs as unknown as JsonObject[] },
    text: [
      ...runs.map((run) => runText(run, session.terminal.paint)),
      '',
      `${changed} of ${runs.length} would have ended otherwise`,
    ].join('\n'),
  }
}

const isChanged = ({ gate, outcome, missing }: WhatIf): boolean =>
  gate !== null || outcome.was !== outcome.becomes || missing.length > 0

function runText(run: WhatIf, paint: Paint): string {
  const { operation_id, pass, gate, outcome, missing } = run
  if (!isChanged(run)) return `${paint('dim', 'same')}     ${visible(operation_id)}  ${outcome.was}`
  return [
    `${paint('yellow', 'changed')}  ${visible(operation_id)}  ${visible(outcome.was)} → ${visible(outcome.becomes)}`,
    ...(gate === null ? [] : [`  pass ${pass}, ${gate.name}: ${visible(gate.was)} → ${visible(gate.becomes)}`]),
    ...missing.map((place) => `  nobody recorded ${visible(place)}`),
  ].join('\n')
}
