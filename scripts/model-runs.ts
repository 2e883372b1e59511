/**
 * What is to be run of a model, as the lines `model` and `twin` of its first comment say, and what Spin's verifier said of
 * it. A twin that no line names, a property that nothing checks, a search that did not end: each is a failure.
 */
export interface Run {
  /** Without its ending. */
  file: string
  kind: 'model' | 'twin'
  /** What is defined: the variant, and for a twin what is broken. */
  defines: string[]
  /** What a model keeps, or the one that a twin breaks. */
  properties: string[]
  /** Whether the property is one of every fair run for ever, and not of single states. */
  live: boolean
}

export interface Ran {
  output: string
  seconds: number
}

const LINE = /^ \* (model|twin)((?: [A-Z_]+)*) (keeps|breaks)((?: [a-z_]+)+): \S/gm
/** Chosen by whoever runs a twin, and no variant. */
const OWN = new Set(['ONLY'])

export function readRuns(file: string, text: string): Run[] {
  const comment = text.slice(0, text.indexOf('*/'))
  const live = new Set([...text.matchAll(/^ltl ([a-z_]+) /gm)].map((match) => match[1] ?? ''))
  const checked = new Set([...text.matchAll(/\bmust\(([a-z_]+),/g)].map((match) => match[1] ?? ''))
  const runs = [...comment.matchAll(LINE)].map(([, kind, defines = '', verb, names = '']): Run => {
    const properties = names.trim().split(' ')
    if ((kind === 'model') !== (verb === 'keeps')) throw new Error(`${file}: a ${kind} that ${verb}${names}`)
    const unchecked = properties.filter((name) => !checked.has(name) && !live.has(name))
    if (unchecked.length > 0) throw new Error(`${file}: nothing checks ${unchecked.join(' and ')}`)
    return {
      file,
      kind: kind === 'model' ? 'model' : 'twin',
      defines: defines.split(' ').filter((name) => name !== ''),
      properties,
      live: properties.some((name) => live.has(name)),
    }
  })
  const named = new Set(runs.flatMap(({ defines }) => defines))
  const used = new Set(
    [...text.matchAll(/^#(?:ifn?def|if|elif) (.+)$/gm)].flatMap(([, condition = '']) => condition.match(/[A-Z_]{2,}/g)),
  )
  const strays = [...used].filter((name) => name !== null && !named.has(name) && !OWN.has(name))
  if (strays.length > 0) throw new Error(`${file}: no line runs ${strays.join(' or ')}`)
  const kept = new Set(runs.filter(({ kind }) => kind === 'model').flatMap(({ properties }) => properties))
  const broken = new Set(runs.filter(({ kind }) => kind === 'twin').flatMap(({ properties }) => properties))
  const lonely = [...checked, ...live].filter((name) => !kept.has(name))
  if (lonely.length > 0) throw new Error(`${file}: no model keeps ${lonely.join(' or ')}`)
  if (broken.size === 0) throw new Error(`${file}: no twin breaks anything`)
  return runs
}

export function describeSearch(run: Run, { output, seconds }: Ran): { ok: boolean; line: string; details: string } {
  const fault = run.kind === 'model' ? modelFault(run, output) : twinFault(run, output)
  const states = /^ *(\d+) states, stored/m.exec(output)?.[1] ?? '0'
  const name = [run.file, ...run.defines].join(' ')
  const verb = run.kind === 'model' ? 'keeps' : 'breaks'
  const line = [
    fault === null ? 'ok    ' : 'FAILED',
    `${run.kind.padEnd(5)} ${name.padEnd(34)}`,
    `${states.padStart(9)} states ${seconds.toFixed(1).padStart(5)} s `,
    fault ?? `${verb} ${run.properties.join(', ')}`,
  ].join(' ')
  return { ok: fault === null, line, details: output }
}

/** Why this is no proof, or null. */
function modelFault(run: Run, output: string): string | null {
  if (!/\berrors: 0\b/.test(output)) return violationOf(output) ?? 'the search did not run'
  if (/max search depth too small/.test(output)) return 'the search was cut off: too deep'
  if (/Search not completed|out of memory|reached -DMEMLIM|hash table full/i.test(output))
    return 'the search is not complete'
  if (run.live)
    return output.includes('acceptance   cycles') && output.includes('(fairness enabled)')
      ? null
      : 'no cycle was looked for'
  if (!/assertion violations\s+\+/.test(output) || !/invalid end states\s+\+/.test(output))
    return 'nothing was looked for'
  // Where the whole model runs, a statement that is never reached proves nothing.
  const unreached = run.defines.length === 0 ? /^\t\S+:\d+, state \d+, "(?!-end-").*$/m.exec(output) : null
  return unreached === null ? null : `a statement is never reached: ${unreached[0].trim()}`
}

/** Why this shows nothing, or null. */
function twinFault(run: Run, output: string): string | null {
  const found = violationOf(output)
  if (found === null) return /\berrors: 0\b/.test(output) ? 'the twin holds' : 'the search did not run'
  const expected = run.live ? 'acceptance cycle' : `assertion violated ${run.properties[0]}`
  return found === expected ? null : `it fails otherwise: ${found}`
}

/** What the verifier says that it found first. */
function violationOf(output: string): string | null {
  return /^pan:\d+: (.+?) \(at depth \d+\)$/m.exec(output)?.[1] ?? null
}
