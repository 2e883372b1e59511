import { describe, expect, test } from 'vitest'
import { findArrowProblems } from '../../scripts/arrows.ts'
import { LAYERS } from '../../scripts/layers.ts'
import { tempTree } from '../support/temp-tree.ts'

/** A file of each layer that others may import. */
const TREE = Object.fromEntries(
  [
    'domain/hash.ts',
    'domain/vote.ts',
    'domain/approval.ts',
    'domain/gates/chain.ts',
    'domain/log/note.ts',
    'actions/registry.ts',
    'engines/media.ts',
    'workflows/index.ts',
    'activities/guard.ts',
    'stores/pool.ts',
    'api/app.ts',
    'api/contract.ts',
    'verify/verify.ts',
    'console/client.js',
    'cli/main.ts',
    'bin/start.ts',
    'scripts/check.ts',
    'test/support/stack.ts',
  ].map((file) => [file, 'export {}\n']),
)
const problems = (files: Record<string, string>) =>
  findArrowProblems(tempTree({ ...TREE, ...files })).map(
    ({ file, line, message }) => `${file}:${line ?? ''} ${message}`,
  )

/** Each line: a file of the layer, then what it may and what it may not import. */
const RULES: Record<string, { may: string[]; mayNot: string[]; types?: string[] }> = {
  domain: {
    may: [
      './hash.ts',
      './gates/chain.ts',
      '@noble/hashes/sha2.js',
      '@noble/curves/ed25519.js',
      'safe-stable-stringify',
    ],
    mayNot: [
      '../actions/registry.ts',
      '../verify/verify.ts',
      '../bin/start.ts',
      'node:crypto',
      'zod',
      '@noble/ciphers/aes.js',
    ],
  },
  actions: {
    may: ['../domain/hash.ts', 'zod', 'zod/v4'],
    mayNot: ['../workflows/index.ts', '../stores/pool.ts', '../engines/media.ts', 'node:fs', 'jose'],
  },
  engines: { may: ['sharp'], mayNot: ['../domain/hash.ts', '../stores/pool.ts', 'node:fs'] },
  workflows: {
    may: ['../domain/gates/chain.ts', '@temporalio/workflow'],
    mayNot: [
      '../actions/registry.ts',
      '../activities/guard.ts',
      '@temporalio/activity',
      '@temporalio/common',
      'zod',
      'node:crypto',
    ],
    types: ['@temporalio/common'],
  },
  activities: {
    may: [
      '../domain/hash.ts',
      '../actions/registry.ts',
      '../engines/media.ts',
      '@temporalio/activity',
      'jose',
      'node:crypto',
    ],
    mayNot: ['../stores/pool.ts', '../api/app.ts', '../workflows/index.ts', 'pg', 'node:fs', '@temporalio/client'],
  },
  stores: {
    may: ['../domain/hash.ts', 'pg', '@aws-sdk/client-s3', '@temporalio/client', 'jose', 'node:fs/promises'],
    mayNot: ['../actions/registry.ts', '../api/app.ts', '../activities/guard.ts', 'hono', 'zod'],
  },
  api: {
    may: [
      '../domain/hash.ts',
      '../actions/registry.ts',
      'hono',
      'hono/cors',
      '@hono/zod-openapi',
      'zod',
      'jose',
      'node:crypto',
    ],
    mayNot: [
      '../stores/pool.ts',
      '../workflows/index.ts',
      '../verify/verify.ts',
      '../bin/start.ts',
      'pg',
      'node:fs',
      '@temporalio/client',
    ],
  },
  verify: {
    may: [
      '../domain/hash.ts',
      '../domain/log/note.ts',
      '../domain/vote.ts',
      'jose',
      'fflate',
      '@temporalio/worker',
      'protobufjs',
      '@noble/hashes/sha2.js',
      'node:vm',
    ],
    mayNot: [
      '../domain/gates/chain.ts',
      '../domain/approval.ts',
      '../workflows/index.ts',
      '../stores/pool.ts',
      '../api/contract.ts',
      'pg',
      '@temporalio/client',
    ],
    types: ['../domain/gates/chain.ts', '../domain/approval.ts'],
  },
  console: {
    may: ['./client.js'],
    mayNot: ['../api/app.ts', '../verify/verify.ts', '../domain/hash.ts', '../stores/pool.ts', 'react', 'node:fs'],
    types: ['../domain/vote.ts'],
  },
  cli: {
    may: ['../verify/verify.ts', '../api/contract.ts', 'commander', '@clack/prompts', 'jose', 'node:fs'],
    mayNot: ['../api/app.ts', '../stores/pool.ts', '../bin/start.ts', 'pg'],
  },
  bin: { may: ['../api/app.ts', '../stores/pool.ts', '../workflows/index.ts', 'pg', 'node:fs'], mayNot: ['fs'] },
  scripts: { may: ['../bin/start.ts', '../test/support/stack.ts', 'typescript', 'node:fs'], mayNot: ['fs'] },
  test: { may: ['../bin/start.ts', '../scripts/check.ts', 'vitest', 'node:fs'], mayNot: ['child_process'] },
}

describe.each(Object.keys(LAYERS))('%s', (layer) => {
  const { may = [], mayNot = [], types = [] } = RULES[layer] ?? {}
  const file = `${layer}/planted.ts`

  test('has its rules tested', () => {
    expect(may.length).toBeGreaterThan(0)
    expect(mayNot.length).toBeGreaterThan(0)
  })

  test.each(may)('may import %s', (specifier) => {
    expect(problems({ [file]: `import * as a from '${specifier}'\n` })).toEqual([])
  })

  test.each(mayNot)('may not import %s, in any form', (specifier) => {
    for (const text of [
      `import * as a from '${specifier}'`,
      `export * from '${specifier}'`,
      `await import('${specifier}')`,
    ])
      expect(problems({ [file]: `\n${text}\n` })).toEqual([expect.stringMatching(`^${file}:2 .*import`)])
  })

  test.each(types)('may import types of %s', (specifier) => {
    expect(problems({ [file]: `import type { A } from '${specifier}'\n` })).toEqual([])
    expect(problems({ [file]: `import { type A } from '${specifier}'\n` })).toHaveLength(1)
  })
})

test('importing types binds as much as importing values', () => {
  expect(problems({ 'domain/planted.ts': "import type { A } from '../api/app.ts'\n" })).toHaveLength(1)
})

test('a clean tree has no problems, and the planted one is named with its line', () => {
  expect(problems({})).toEqual([])
  expect(problems({ 'api/planted.ts': "import a from 'zod'\nimport b from '../stores/pool.ts'\n" })).toEqual([
    'api/planted.ts:2 api may not import stores/pool.ts',
  ])
})

test('a file that does not exist, or is named without its ending, is no target', () => {
  expect(problems({ 'api/planted.ts': "import a from './gone.ts'\nimport b from './app'\n" })).toEqual([
    'api/planted.ts:1 imports ./gone.ts, which does not exist',
    'api/planted.ts:2 imports ./app, which does not exist',
  ])
})

test('a computed name is refused where not everything is allowed', () => {
  expect(problems({ 'api/planted.ts': 'await import(name)\n' })).toHaveLength(1)
  expect(problems({ 'bin/planted.mjs': 'await import(name)\n' })).toEqual([])
})

test('a folder that is no layer is noticed, and what is no program of ours is not', () => {
  expect(problems({ 'lib/planted.ts': 'export {}\n' })).toEqual(['lib/planted.ts: lies in a folder that is no layer'])
  expect(
    problems({
      'tools/x.js': "require('pg')\n",
      'vitest.config.ts': "import 'x'\n",
      'node_modules/a/i.js': "require('b')\n",
    }),
  ).toEqual([])
})

describe('circles', () => {
  const to = (...files: string[]) => files.map((file) => `import './${file}.ts'\n`).join('')

  test('of two, of three and of one are named once each', () => {
    expect(problems({ 'api/a.ts': to('b'), 'api/b.ts': to('a') })).toEqual([
      'api/a.ts: imports itself in a circle: api/a.ts -> api/b.ts -> api/a.ts',
    ])
    expect(problems({ 'api/a.ts': to('c'), 'api/b.ts': to('a'), 'api/c.ts': to('b') })).toEqual([
      'api/a.ts: imports itself in a circle: api/a.ts -> api/c.ts -> api/b.ts -> api/a.ts',
    ])
    expect(problems({ 'api/a.ts': to('a') })).toHaveLength(1)
  })

  test('through a dynamic import count, through types do not', () => {
    expect(problems({ 'api/a.ts': to('b'), 'api/b.ts': "await import('./a.ts')\n" })).toHaveLength(1)
    expect(problems({ 'api/a.ts': to('b'), 'api/b.ts': "import type { A } from './a.ts'\n" })).toEqual([])
  })

  test('two ways to one file are no circle', () => {
    expect(problems({ 'api/a.ts': to('b', 'c'), 'api/b.ts': to('d'), 'api/c.ts': to('d'), 'api/d.ts': '' })).toEqual([])
  })
})
