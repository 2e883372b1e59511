/** `exo audit`: the log as a file, checked by itself. */
import type { Command } from 'commander'
import type { AuditFiles, AuditReport } from '../audit-check.ts'
import { EXIT } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { GROUPS } from '../help.ts'
import { readBytes } from '../json-input.ts'
import { writeOutput } from '../output-file.ts'
import { columns, visible } from '../render.ts'
import type { Runner } from '../runner.ts'
import type { Outcome, Session } from '../session.ts'
import type { Paint, Style } from '../terminal.ts'
import type { JsonObject } from '../../domain/canonical.ts'
import type { Verdict } from '../../verify/report.ts'

export function addAudit(program: Command, run: Runner): void {
  const audit = program
    .command('audit')
    .helpGroup(GROUPS.prove)
    .helpCommand(false)
    .summary('the log: fetch it, check it')
    .description('The audit log: one append-only tree a tenant, under signed checkpoints.')
  audit
    .command('export')
    .description('Writes the whole log with its checkpoint. Reading it is a leaf of the log.')
    .option('-o, --output <file>', 'where to, - for standard output', 'audit.json')
    .option('--force', 'replace the file when it exists')
    .action(run(exportLog))
  audit
    .command('verify')
    .description('Checks an export: dense, in one form, its root in the signed checkpoint. Offline.')
    .argument('<file>', 'what exo audit export wrote')
    .option('--trust <file>', 'the trust root; without it the verdict is UNTRUSTED')
    .option('--checkpoint <file>', 'an older checkpoint: this log must only have grown since')
    .action(run(verify))
  audit
    .command('fsck')
    .description(
      "Fetches the log that runs and derives its tree again. Without --trust the keys are the deployment's own word.",
    )
    .option('--trust <file>', 'the trust root to check signatures with')
    .option('--checkpoint <file>', 'an older checkpoint: this log must only have grown since')
    .action(run(fsck))
}

async function exportLog(session: Session, { output, force }: { output: string; force?: boolean }): Promise<Outcome> {
  if (output === '-' && session.json)
    throw usage('With --json standard output is for the report; choose a file with -o.')
  const bytes = await fetchLog(session)
  const written = await writeOutput(output, bytes, force === true)
  const told = `the log: ${written.size} bytes, SHA-256 ${written.sha256}`
  if (output === '-') session.terminal.aside(told)
  return {
    exit: EXIT.ok,
    json: { ...written },
    text: output === '-' ? '' : `${told}\n  ${output}\n  exo audit verify ${output} --trust trust.json`,
  }
}

const fetchLog = async ({ api }: Session): Promise<Uint8Array> => await (await api.raw('/audit/export', {})).bytes()

interface Options {
  trust?: string
  checkpoint?: string
}

async function verify(session: Session, file: string, { trust, checkpoint }: Options): Promise<Outcome> {
  const report = await check({
    file: await readBytes(file),
    trust: trust === undefined ? null : await readBytes(trust),
    older: checkpoint === undefined ? null : await readBytes(checkpoint),
  })
  return outcome(report, reportText(report, session.terminal.paint))
}

async function fsck(session: Session, { trust, checkpoint }: Options): Promise<Outcome> {
  const file = await fetchLog(session)
  const own = trust === undefined
  const report = await check({
    file,
    trust: own ? await (await session.api.raw('/trust', {})).bytes() : await readBytes(trust),
    older: checkpoint === undefined ? null : await readBytes(checkpoint),
  })
  const note = own
    ? ['the keys were taken from the deployment itself: this shows that the log is whole, not whose it is']
    : []
  const rows = Object.entries(report.kinds)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([kind, times]) => [String(times).padStart(7), kind])
  return outcome(report, [...note, reportText(report, session.terminal.paint), ...columns(rows, '')].join('\n'))
}

/** Loaded for these commands alone. */
async function check(given: AuditFiles): Promise<AuditReport> {
  const { checkAuditExport } = await import('../audit-check.ts')
  return checkAuditExport(given)
}

function outcome(report: AuditReport, text: string): Outcome {
  return { exit: report.verdict === 'PASS' ? EXIT.ok : EXIT.refused, json: report as unknown as JsonObject, text }
}

const VERDICT_STYLE: Readonly<Record<Verdict, Style>> = Object.freeze({
  PASS: 'green',
  FAIL: 'red',
  UNTRUSTED: 'yellow',
})

function reportText({ verdict, tenant_id, checks }: AuditReport, paint: Paint): string {
  const width = Math.max(...checks.map(({ verdict: each }) => each.length))
  const rows = checks.map(({ name, verdict: each, detail }) => [
    paint(VERDICT_STYLE[each], each.padEnd(width)),
    name,
    visible(detail),
  ])
  return [
    `${paint(VERDICT_STYLE[verdict], verdict)}  the log of ${tenant_id === null ? 'nobody' : visible(tenant_id)}`,
    ...columns(rows),
  ].join('\n')
}
