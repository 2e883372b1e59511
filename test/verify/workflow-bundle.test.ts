/** The workflow bundle is the same bytes from any directory, holds the workflow and the pure core and nothing else. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildWorkflowBundle, bundleDigest, type WorkflowBundle } from '../../bin/workflow-bundle.ts'

const ROOT = join(import.meta.dirname, '..', '..')
let home: string
let bundle: WorkflowBundle

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'exo-bundle-'))
  bundle = await buildWorkflowBundle({ cacheDir: null })
}, 60_000)
afterAll(async () => await rm(home, { recursive: true }))

/** A checkout under another path, as much of one as goes into a bundle. */
async function checkoutAt(root: string): Promise<string> {
  await mkdir(root, { recursive: true })
  for (const name of ['workflows', 'domain', 'package.json', 'package-lock.json'])
    await cp(join(ROOT, name), join(root, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  return root
}

const modulesOf = ({ code }: WorkflowBundle) =>
  [...code.matchAll(/^\/\*{3}\/ "([^"]+)"/gm)].map(([, name]) => String(name))

describe('the workflow bundle', () => {
  test('is the same bytes from another path and another working directory', { timeout: 60_000 }, async () => {
    const root = await checkoutAt(join(home, 'zz', 'elsewhere'))
    const before = process.cwd
    process.cwd = () => home
    try {
      expect((await buildWorkflowBundle({ root, cacheDir: null })).digest).toBe(bundle.digest)
    } finally {
      process.cwd = before
    }
  })

  test('names itself by the digest of its bytes, and no place on a disk', () => {
    expect(bundle.digest).toBe(bundleDigest(bundle.code))
    expect([ROOT, home, 'file://'].filter((place) => bundle.code.includes(place))).toEqual([])
  })

  test('holds the workflow, the pure core and what they import, and nothing that touches the world', () => {
    const modules = modulesOf(bundle)
    expect(modules).toEqual(
      expect.arrayContaining(['./workflows/operation.ts', './workflows/recorder.ts', './domain/gates/chain.ts']),
    )
    // A question mark names a module that was left out: the failure converter we do not have.
    const own = modules.filter((name) => !name.includes('node_modules') && !name.startsWith('?'))
    expect(own.filter((name) => !/^\.\/(workflows|domain)\//.test(name))).toEqual([])
    const packages = new Set(modules.flatMap((name) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? []))
    expect([...packages].sort()).toEqual([
      '@marcbachmann/cel-js',
      '@noble/hashes',
      '@temporalio/common',
      '@temporalio/workflow',
      'long',
      'ms',
      'nexus-rpc',
      'safe-stable-stringify',
    ])
  })

  test('changes with its sources and with the lock, and is found again when neither changed', {
    timeout: 60_000,
  }, async () => {
    const root = await checkoutAt(join(home, 'changing'))
    const cacheDir = join(home, 'cache')
    const first = await buildWorkflowBundle({ root, cacheDir })
    expect(await buildWorkflowBundle({ root, cacheDir })).toEqual(first)
    expect(await readdir(cacheDir)).toHaveLength(1)
    const limits = join(root, 'domain', 'limits.ts')
    await writeFile(limits, (await readFile(limits, 'utf8')).replace('refusedVotesKept: 50', 'refusedVotesKept: 51'))
    expect((await buildWorkflowBundle({ root, cacheDir })).digest).not.toBe(first.digest)
    await writeFile(join(root, 'package-lock.json'), '{}')
    await buildWorkflowBundle({ root, cacheDir })
    expect(await readdir(cacheDir)).toHaveLength(3)
  })

  test('is built again when the kept bytes are not what they were kept as', { timeout: 60_000 }, async () => {
    const cacheDir = join(home, 'damaged')
    await buildWorkflowBundle({ cacheDir })
    const [entry = ''] = await readdir(cacheDir)
    await writeFile(join(cacheDir, entry, 'bundle.js'), 'boom')
    expect(await buildWorkflowBundle({ cacheDir })).toEqual(bundle)
    expect(await readFile(join(cacheDir, entry, 'bundle.js'), 'utf8')).toBe(bundle.code)
  })
})
