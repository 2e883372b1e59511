/**
 * `npm run models`: searches every model of `models/` completely with Spin, and shows that each of its broken twins fails by
 * the property its comment names. Prints one line for each. Exits 1 when any is not so, and 2, saying why, where there is no
 * Spin or no C compiler. Writes into a folder of its own that goes away. `npm run models -- fence` runs one file.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeSearch, type Ran, type Run, readRuns } from './model-runs.ts'
import { programsNamed } from '../bin/stack/path-search.ts'

const MODELS = join(import.meta.dirname, '..', 'models')
const RUN_TIMEOUT_MS = 120_000
const DEPTH = 1_000_000
/** Megabytes; a search that needs more is not complete, and says so. */
const MEMORY = 2_000

function readModels(wanted: readonly string[]): Run[] {
  const files = readdirSync(MODELS).filter((file) => file.endsWith('.pml'))
  const unknown = wanted.filter((name) => !files.includes(`${name}.pml`))
  if (unknown.length > 0) throw new Error(`no model is called ${unknown.join(' or ')}`)
  return files
    .filter((file) => wanted.length === 0 || wanted.includes(file.replace('.pml', '')))
    .flatMap((file) => readRuns(file.replace('.pml', ''), readFileSync(join(MODELS, file), 'utf8')))
}

/** Spin writes the verifier, the compiler builds it, and it searches. */
async function search(run: Run): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'exo-model-'))
  const start = performance.now()
  try {
    const only = run.kind === 'twin' && !run.live ? [`-DONLY=${run.properties[0]}`] : []
    const defines = [...run.defines.map((name) => `-D${name}`), ...only]
    const made = await execute(folder, 'spin', ['-a', ...defines, join(MODELS, `${run.file}.pml`)])
    if (made.code !== 0 || /error/i.test(made.output)) return { output: made.output, seconds: 0 }
    const how = run.live ? ['-DNFAIR=3'] : ['-DSAFETY', '-DNOCLAIM']
    const built = await execute(folder, 'cc', ['-O1', '-w', `-DMEMLIM=${MEMORY}`, ...how, '-o', 'pan', 'pan.c'])
    if (built.code !== 0) return { output: built.output, seconds: 0 }
    const { output } = await execute(folder, join(folder, 'pan'), [...(run.live ? ['-a', '-f'] : []), `-m${DEPTH}`])
    return { output, seconds: (performance.now() - start) / 1000 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function execute(cwd: string, file: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    execFile(file, args, { cwd, timeout: RUN_TIMEOUT_MS, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const why = error?.killed ? `ended after ${RUN_TIMEOUT_MS / 1000} s\n` : ''
      done({ code: error === null ? 0 : 1, output: `${stdout}${stderr}${why}` })
    })
  })
}

async function main(): Promise<number> {
  const absent = ['spin', 'cc'].filter((name) => programsNamed(name).length === 0)
  if (absent.length > 0) {
    console.log(`no model was run: ${absent.join(' and ')} not found; Debian has them as spin and gcc`)
    return 2
  }
  const start = performance.now()
  const runs = readModels(process.argv.slice(2))
  // The largest searches first, so that two cores end at about the same time.
  const queue = runs.toSorted((a, b) => Number(b.kind === 'model') - Number(a.kind === 'model'))
  let failed = 0
  async function work(): Promise<void> {
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
      const { ok, line, details } = describeSearch(run, await search(run))
      if (!ok) failed++
      console.log(line)
      if (!ok) console.log(details.trimEnd().replace(/^/gm, '       '))
    }
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), runs.length) }, work))
  const models = runs.filter(({ kind }) => kind === 'model').length
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  const verdict = failed === 0 ? 'all as stated' : `${failed} not as stated`
  console.log(`${models} searches of models, ${runs.length - models} of twins, ${seconds} s: ${verdict}`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()
