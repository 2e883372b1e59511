/**
 * Three sets of tests. `unit` needs no server and runs in parallel threads. `stack` runs against the real stack, started
 * once by its global set-up, one file at a time, because its tests stop and measure what they share. `apart` are files
 * that crash or upgrade deployments of their own, and those that start the CLI, beside a stack of theirs.
 * `vitest run --project unit` runs the one without the others.
 */
import { defineConfig } from 'vitest/config'

/** Folders of `test/` whose files need the stack. A new folder belongs to `unit` until it is named here. */
const STACK = [
  'activities',
  'api',
  'bin',
  'browser',
  'cases',
  'cli',
  'console',
  'contract',
  'crash',
  'e2e',
  'security',
  'stores',
  'verify',
  'workflows',
]
const stackFiles = STACK.map((folder) => `test/${folder}/**/*.test.ts`)
const apartFiles = [
  'test/cli/**/*.test.ts',
  'test/crash/**/*.test.ts',
  'test/bin/stack/**/*.test.ts',
  'test/e2e/{hung-backends,upgrade}.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: stackFiles,
          pool: 'threads',
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'stack',
          include: stackFiles,
          exclude: apartFiles,
          globalSetup: ['test/support/stack.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'apart',
          include: apartFiles,
          globalSetup: ['test/support/stack.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
