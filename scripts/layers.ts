/**
 * Who may import whom, as one table: the Imports paragraph of docs/ARCHITECTURE in a form that can be checked.
 * A layer is a top-level folder; it may always import its own files. To allow something new, change it here and there.
 */
export interface Layer {
  /** Layers (`domain`), folders (`domain/log/`) or files (`domain/hash.ts`) that may be imported; `*` is everything. */
  imports: readonly string[]
  /** More of them, for `import type` only. */
  types?: readonly string[]
  /** Packages and `node:` modules; a trailing star stands for the rest of the name. */
  packages: readonly string[]
  /** More of them, for `import type` only. */
  packageTypes?: readonly string[]
}

const ANYTHING: Layer = { imports: ['*'], packages: ['*', 'node:*'] }

export const LAYERS: Readonly<Record<string, Layer>> = {
  domain: {
    imports: [],
    packages: ['@noble/hashes', '@noble/curves', 'safe-stable-stringify', 'ipaddr.js', '@marcbachmann/cel-js'],
  },
  actions: { imports: ['domain'], packages: ['zod'] },
  engines: { imports: [], packages: ['*'] },
  workflows: {
    imports: ['domain'],
    packages: ['@temporalio/workflow', '@temporalio/common/lib/encoding.js'],
    packageTypes: ['@temporalio/common'],
  },
  activities: {
    imports: ['domain', 'actions', 'engines'],
    packages: ['@temporalio/activity', '@temporalio/common', 'jose', 'node:crypto'],
  },
  stores: {
    imports: ['domain'],
    packages: [
      'undici',
      '@aws-sdk/s3-presigned-post',
      'pg',
      'node-pg-migrate',
      '@aws-sdk/*',
      '@temporalio/client',
      '@temporalio/worker',
      '@temporalio/common',
      '@temporalio/proto',
      'fflate',
      'jose',
      'node:*',
    ],
  },
  api: { imports: ['domain', 'actions'], packages: ['hono', '@hono/*', 'zod', 'jose', 'prom-client', 'node:crypto'] },
  verify: {
    // Hashing and the shapes that are hashed. Nothing that decides: the verifier's own rules share nothing with it.
    imports: [
      'domain/base64.ts',
      'domain/canonical.ts',
      'domain/hash.ts',
      'domain/leaf.ts',
      'domain/log/',
      'domain/plan.ts',
      'domain/receipt.ts',
      'domain/vote.ts',
    ],
    types: ['domain'],
    packages: [
      'jose',
      'fflate',
      '@temporalio/worker',
      '@temporalio/common',
      '@temporalio/proto',
      'protobufjs',
      '@noble/*',
      'node:*',
    ],
  },
  // What the browser loads is served as it lies here, so a package would have nowhere to come from.
  console: { imports: [], types: ['domain'], packages: [] },
  cli: {
    // The pure core too: a vote is built and a preview hashed by the same code that checks them.
    imports: ['verify', 'api/contract', 'domain'],
    packages: ['commander', '@clack/prompts', 'eventsource-parser', 'jose', 'node:*'],
  },
  bin: ANYTHING,
  scripts: ANYTHING,
  test: ANYTHING,
}

/** Whether an entry of `imports` covers a file. `api/contract` is that file, whatever it ends on, or that folder. */
export function coversFile(entry: string, file: string): boolean {
  return (
    entry === '*' ||
    file === entry ||
    file.startsWith(entry.endsWith('/') ? entry : `${entry}/`) ||
    stem(file) === entry
  )
}

/** Whether an entry of `packages` covers a specifier such as `@scope/name/part.js` or `node:fs/promises`. */
export function coversPackage(entry: string, specifier: string): boolean {
  const isNode = specifier.startsWith('node:')
  if (entry === '*') return !isNode
  if (entry.endsWith('*')) return specifier.startsWith(entry.slice(0, -1))
  return specifier === entry || specifier.startsWith(`${entry}/`)
}

function stem(file: string): string {
  return file.replace(/\.[a-z]+$/, '')
}
