/** `exo verify`: bundles, checked offline against a trust root and this checkout's own code. */
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { columns, visible } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { Paint, Style } from '../terminal.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { CheckResult, Report, RunReport, Verdict } from '../../verify/report.ts'

interface Options {
  trust?: string
  self?: boolean
  code?: string
  runRecorded?: boolean
  verbose?: boolean
}

export function addVerify(program: Command, run: Runner): void {
  program
    .command('verify')
    .helpGroup(GROUPS.prove)
    .summary('check bundles offline')
    .description('Checks bundles offline: replays each history, decides again, checks every signature, leaf and proof.')
    .argument('<paths...>', 'bundles, or folders of bundles')
    .option('--trust <file>', 'the trust root: whom you believe')
    .option('--self', 'without a trust root; nothing is authenticated, and the first line says so')
    .option('--code <checkout>', 'build the workflow code from this checkout instead of the one exo is in')
    .option('--run-recorded', 'run the code a bundle brings along when no checkout has it, apart from everything')
    .option('-v, --verbose', 'every check by name')
    .addHelpText('after', VERDICTS)
    .action(run(verify))
}

const VERDICTS = `
PASS: all of it holds. FAIL: something does not; the first divergence is named. UNTRUSTED: nothing is wrong, but nobody
was authenticated. Exit 0 for PASS alone, and for UNTRUSTED with --self.`

async function verify(session: Session, paths: string[], options: Options): Promise<Outcome> {
  const { trust, self, code, runRecorded, verbose } = options
  if (trust !== undefined && self === true) throw usage('--trust and --self exclude each other.')
  const { checkPaths, openVerifier } = await import('../verifier.ts')
  await checkPaths(paths)
  const verifier = await openVerifier(session, { trust, checkout: code, runRecorded: runRecorded === true })
  const { verifyNamed } = await import('../../verify/verify.ts')
  const { report, pathOf } = await verifyNamed(paths, verifier)
  const passed = report.verdict === 'PASS' || (self === true && report.verdict === 'UNTRUSTED')
  const first = [
    ...(self === true
      ? ['NOTHING WAS AUTHENTICATED: --self checks that the bundle agrees with itself, not who made it']
      : []),
    ...(runRecorded === true
      ? ['code that came with a bundle may have been run, apart from everything; see replay.code']
      : []),
  ]
  return {
    exit: passed ? EXIT.ok : EXIT.refused,
    json: report as unknown as JsonObject,
    text: [...first, reportText(report, pathOf, session.terminal.paint, verbose === true)].join('\n'),
  }
}

/** Where each run was found: for people, as the report itself names no path. */
type Paths = ReadonlyMap<RunReport, string>

const STYLE: Readonly<Record<Verdict, Style>> = Object.freeze({ PASS: 'green', FAIL: 'red', UNTRUSTED: 'yellow' })

function reportText({ verdict, runs }: Report, pathOf: Paths, paint: Paint, verbose: boolean): string {
  if (runs.length === 0) return `${paint('red', verdict)}  nothing to verify: no bundle was found`
  const count = `${runs.length} bundle${runs.length === 1 ? '' : 's'}, ${runs.reduce((sum, { checks }) => sum + checks.length, 0)} checks`
  const blocks = runs.map((run) => runText(run, pathOf.get(run) ?? '', paint, verbose))
  return [...blocks, '', `${paint(STYLE[verdict], verdict)}  ${count}`].join('\n')
}

function runText(run: RunReport, path: string, paint: Paint, verbose: boolean): string {
  const { operation_id, verdict, checks, divergence } = run
  const told = verbose ? checks : checks.filter((check, at) => check.verdict !== 'PASS' && !isRepeated(checks, at))
  const rows = told.map(({ name, verdict: each, detail }) => [
    paint(STYLE[each], each.padEnd(9)),
    name,
    visible(detail),
  ])
  const steps = new Map<string, number>()
  for (const { name, verdict: each } of checks) {
    const [step = name] = name.split('.')
    if (each === 'PASS') steps.set(step, (steps.get(step) ?? 0) + 1)
  }
  const passed = [...steps].map(([step, times]) => `${step} ${times}`).join(', ')
  const untold = checks.filter(({ verdict: each }) => each !== 'PASS').length - told.length
  return [
    `${paint(STYLE[verdict], verdict)}  ${visible(operation_id)}  ${paint('dim', visible(path))}`,
    ...(passed === '' || verbose ? [] : [`  ${paint('dim', 'passed')}  ${passed}`]),
    ...columns(rows),
    ...(untold > 0 && !verbose ? [`  and ${untold} more for the same reason; -v names them`] : []),
    ...(divergence === null || verdict !== 'FAIL'
      ? []
      : [`  ${paint('bold', 'first divergence')}  ${visible(divergence)}`]),
  ].join('\n')
}

/** Whether an earlier check failed with the same words: a part that cannot be read fails every check that needs it. */
function isRepeated(checks: readonly CheckResult[], at: number): boolean {
  const { verdict, detail } = checks[at] ?? {}
  return verdict === 'FAIL' && checks.slice(0, at).some((each) => each.verdict === 'FAIL' && each.detail === detail)
}
