/**
 * Every model of `models/` is searched completely, and every broken twin fails by what it is there to break. Without Spin or
 * a C compiler the search is skipped, and its name says why; that the lines of a model are read strictly is tested anywhere.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { programsNamed } from '../../bin/stack/path-search.ts'
import { describeSearch, readRuns, type Run } from '../../scripts/model-runs.ts'
import { files, sourceText } from '../docs/markdown.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MODELS = readdirSync(join(ROOT, 'models')).filter((file) => file.endsWith('.pml'))
const runsOf = (file: string) => readRuns(file.replace('.pml', ''), readFileSync(join(ROOT, 'models', file), 'utf8'))
const absent = ['spin', 'cc'].filter((name) => programsNamed(name).length === 0)
const without = absent.length === 0 ? '' : ` (skipped: no ${absent.join(' and no ')} on this machine)`

test('there are the four, each with a run of the whole and twins that break it', () => {
  expect(MODELS).toEqual(['approval.pml', 'claim.pml', 'fence.pml', 'sequencer.pml'])
  for (const file of MODELS) {
    const runs = runsOf(file)
    expect(runs.filter(({ kind, defines }) => kind === 'model' && defines.length === 0)).toHaveLength(1)
    expect(runs.filter(({ kind }) => kind === 'twin').length).toBeGreaterThanOrEqual(4)
  }
})

test.each(MODELS)('%s names files and words of the code', (file) => {
  const text = readFileSync(join(ROOT, 'models', file), 'utf8')
  const comment = text.slice(0, text.indexOf('*/'))
  const source = sourceText()
  expect(
    [...comment.matchAll(/[\w/.-]+\.(?:ts|sql)\b/g)].map(([path]) => path).filter((path) => !files.includes(path)),
  ).toEqual([])
  const words = [...comment.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
  expect(words.length).toBeGreaterThan(2)
  expect(words.filter((word) => !source.includes(word))).toEqual([])
})

test.skipIf(absent.length > 0)(
  `every model holds and every twin fails as its line says${without}`,
  () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'models.ts')], {
      encoding: 'utf8',
      timeout: 280_000,
    })
    expect([status, stderr], stdout).toEqual([0, ''])
    const searched = stdout.split('\n').filter((line) => line.startsWith('ok '))
    expect(searched).toHaveLength(MODELS.flatMap(runsOf).length)
  },
  300_000,
)

test('where Spin is absent, that is said and the exit is 2', () => {
  const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'models.ts')], {
    encoding: 'utf8',
    env: { PATH: '' },
  })
  expect([status, stdout]).toEqual([2, 'no model was run: spin and cc not found; Debian has them as spin and gcc\n'])
})

const MODEL = `/*
 * model keeps safe: always.
 * twin BROKEN breaks safe: once.
 */
#ifdef BROKEN
must(safe, false)
#endif
`

describe('the lines of a model', () => {
  test('say what is run', () => {
    expect(readRuns('a', MODEL)).toEqual([
      { file: 'a', kind: 'model', defines: [], properties: ['safe'], live: false },
      { file: 'a', kind: 'twin', defines: ['BROKEN'], properties: ['safe'], live: false },
    ])
  })

  test.each([
    ['a variant that no line runs', MODEL.replace('#ifdef BROKEN', '#ifdef OTHER'), 'a: no line runs OTHER'],
    ['a property that nothing checks', MODEL.replace('breaks safe', 'breaks sound'), 'a: nothing checks sound'],
    ['a twin that keeps', MODEL.replace('breaks', 'keeps'), 'a: a twin that keeps safe'],
    ['a property that no model keeps', `${MODEL}must(sound, true)`, 'a: no model keeps sound'],
    ['no twin', MODEL.replace(/ \* twin.*\n/, '').replace('BROKEN', 'ONLY'), 'a: no twin breaks anything'],
  ])('are refused with %s', (_what, text, said) => {
    expect(() => readRuns('a', text)).toThrow(said)
  })
})

describe('what the verifier says', () => {
  const [model, twin] = readRuns('a', MODEL) as [Run, Run]
  const WHOLE =
    '\tassertion violations\t+\n\tinvalid end states\t+\nState-vector 8 byte, errors: 0\n  9 states, stored\n'
  const FAILED = 'pan:1: assertion violated safe (at depth 3)\nWarning: Search not completed\n errors: 1\n'
  const said = (run: Run, output: string) => {
    const { ok, line } = describeSearch(run, { output, seconds: 1 })
    return [ok, line.slice(line.indexOf(' s  ') + 4)]
  }

  test('is taken for a proof when the whole was searched, and for a failure when the twin fails as stated', () => {
    expect(said(model, WHOLE)).toEqual([true, 'keeps safe'])
    expect(said(twin, FAILED)).toEqual([true, 'breaks safe'])
  })

  test.each([
    ['nothing', '', 'the search did not run'],
    ['a failure', FAILED, 'assertion violated safe'],
    ['a depth that was too small', `error: max search depth too small\n${WHOLE}`, 'the search was cut off: too deep'],
    ['memory that ran out', `pan: reached -DMEMLIM bound\n${WHOLE}`, 'the search is not complete'],
    ['no assertions', WHOLE.replace('violations\t+', 'violations\t-'), 'nothing was looked for'],
    ['dead code', `${WHOLE}\ta.pml:7, state 3, "x = 1"\n`, 'a statement is never reached: a.pml:7, state 3, "x = 1"'],
  ])('is no proof with %s', (_what, output, fault) => {
    expect(said(model, output)).toEqual([false, fault])
  })

  test.each([
    ['nothing', '', 'the search did not run'],
    ['a twin that holds', WHOLE, 'the twin holds'],
    [
      'another failure',
      FAILED.replace('assertion violated safe', 'invalid end state'),
      'it fails otherwise: invalid end state',
    ],
  ])('shows nothing with %s', (_what, output, fault) => {
    expect(said(twin, output)).toEqual([false, fault])
  })
})
