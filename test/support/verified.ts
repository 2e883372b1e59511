/** What somebody outside would say of a tenant's bundles: the offline verifier, in a process of its own. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Caller } from './client.ts'
import { until } from './until.ts'

const EXO = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')

interface Report {
  verdict: string
  runs: { operation_id: string; verdict: string; checks: { name: string; verdict: string; detail: string }[] }[]
}

export interface Verified {
  verdict: string
  runs: number
  /** One line for each check that did not pass. */
  failures: string[]
}

/** Waits until each of the operations is sealed, fetches its bundle, and verifies all of them against `/trust`. */
export async function verifyBundles(
  reader: Caller,
  ids: readonly string[],
  { withinMs = 60_000, exo = EXO } = {},
): Promise<Verified> {
  const dir = await mkdtemp(join(tmpdir(), 'exo-verified-'))
  try {
    const trust = await new Caller(reader.url, null).get('/trust')
    await writeFile(join(dir, 'trust.json'), JSON.stringify(trust.body))
    const bundles: string[] = []
    for (const id of ids) {
      const zip = await until(`operation ${id} is sealed`, () => bundleOf(reader, id), { withinMs })
      bundles.push(join(dir, `${id}.zip`))
      await writeFile(join(dir, `${id}.zip`), zip)
    }
    const report = JSON.parse(await verify(exo, [...bundles, '--trust', join(dir, 'trust.json'), '--json'])) as Report
    return {
      verdict: report.verdict,
      runs: report.runs.length,
      failures: report.runs.flatMap(({ operation_id, checks }) =>
        checks
          .filter((check) => check.verdict !== 'PASS')
          .map(({ name, verdict, detail }) => `${operation_id} ${name} ${verdict}: ${detail}`),
      ),
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function bundleOf(reader: Caller, id: string): Promise<Uint8Array | null> {
  const response = await fetch(`${reader.url}/operations/${id}/bundle`, {
    headers: { authorization: `Bearer ${reader.token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' },
  })
  const body = new Uint8Array(await response.arrayBuffer())
  return response.status === 200 ? body : null
}

/** Its report, whatever it came to; a verifier that has none to give is an error. */
function verify(exo: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [exo, 'verify', ...args], { maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(stdout)
      else reject(new Error(`the verifier gave no report: ${stderr.slice(0, 500)}`, { cause: error }))
    })
  })
}
