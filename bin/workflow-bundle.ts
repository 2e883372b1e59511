/**
 * Builds the workflow bundle: the one file of code that workers host and verifiers replay. Its digest is the build id.
 *
 * Guarantees: the same sources and the same lock give the same bytes from any directory, so that whoever has the checkout
 * can make the bundle a receipt names. Module names are relative to the checkout; there is no source map and no absolute
 * path. Building takes seconds, so results are kept under the user's cache, and a kept one whose digest is not the one it
 * was stored with is built again.
 */
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface WorkflowBundle {
  code: string
  /** Hex SHA-256 of the UTF-8 bytes of `code`. */
  digest: string
}

export interface BundleOptions {
  /** The checkout to build from. */
  root?: string
  /** Where built bundles are kept; null builds always and keeps nothing. */
  cacheDir?: string | null
}

const HERE = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const SOURCES = ['workflows', 'domain'] as const
/** Pure code that runs share instead of loading it anew each: the chain, hashing and canonical form hold no state. */
const SHARED = [
  'gates/chain.ts',
  'receipt.ts',
  'standing.ts',
  'approval.ts',
  'grant-issuers.ts',
  'plan.ts',
  'limits.ts',
  'reviewing.ts',
]
/** Part of the cache key: a change of how bundles are made makes the kept ones strangers. */
const RECIPE = 'exoarmur-bundle-preload-4'
const FILE = 'workflows.js'
export async function buildWorkflowBundle(options: BundleOptions = {}): Promise<WorkflowBundle> {
  const root = options.root ?? HERE
  const cacheDir = options.cacheDir === undefined ? defaultCacheDir() : options.cacheDir
  if (cacheDir === null) return await build(root)
  const entry = join(cacheDir, await sourceKey(root))
  const kept = await readKept(entry)
  if (kept !== null) return kept
  const built = await build(root)
  await keep(entry, built)
  return built
}

/** The digest by which receipts, build ids and kept bundles name this code. */
export function bundleDigest(code: string): string {
  return createHash('sha256').update(code, 'utf8').digest('hex')
}

async function build(root: string): Promise<WorkflowBundle> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows', 'index.ts'),
    workflowInterceptorModules: [join(root, 'workflows', 'recorder.ts')],
    payloadConverterPath: join(root, 'workflows', 'payload-converter.ts'),
    preloadModules: SHARED.map((file) => join(root, 'domain', file)),
    logger: new DefaultLogger('ERROR'),
    webpackConfigHook: (config) => ({
      ...config,
      context: root,
      mode: 'development',
      devtool: false,
      cache: false,
      output: { ...config.output, pathinfo: false },
      resolve: {
        ...config.resolve,
        // Links are not followed: packages linked into the checkout have the names they have inside it.
        symlinks: false,
        modules: [join(root, 'node_modules/@temporalio/worker/lib/workflow/module-overrides'), 'node_modules'],
      },
      resolveLoader: { symlinks: false },
      module: { ...config.module, rules: [stripTypes(root)] },
      optimization: { ...config.optimization, moduleIds: 'named', chunkIds: 'named', minimize: false },
    }),
  })
  if (code.includes(root)) throw new Error('the workflow bundle names the directory it was built in')
  const whole = `${code.trimEnd()}\n${lineMap(code.trimEnd())}\n`
  return { code: whole, digest: bundleDigest(whole) }
}

/** A worker refuses code without a source map. This one maps each line to itself: the bundle is readable as it is. */
function lineMap(code: string): string {
  const mappings = `AAAA${';AACA'.repeat(code.split('\n').length - 1)}`
  const map = JSON.stringify({ version: 3, file: FILE, sources: [FILE], names: [], mappings })
  return `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`
}

/**
 * The SDK's own rule with nothing left to the surroundings: no settings of a directory, and the loader named inside the
 * checkout, because the order of modules follows names that hold it. Packages' source maps are not read.
 */
function stripTypes(root: string) {
  const options = {
    swcrc: false,
    configFile: false,
    sourceMaps: false,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  }
  const loader = join(root, 'node_modules', 'swc-loader', 'src', 'index.js')
  return { test: /\.ts$/, exclude: /node_modules/, use: { loader, options } }
}

/** Names everything that goes into a bundle: our sources, the packages by their lock, the recipe. */
async function sourceKey(root: string): Promise<string> {
  const hash = createHash('sha256').update(RECIPE)
  const names = await Promise.all(SOURCES.map((dir) => readdir(join(root, dir), { recursive: true })))
  const files = SOURCES.flatMap((dir, i) => (names[i] ?? []).map((name) => join(dir, name)))
  for (const file of [...files.filter((name) => name.endsWith('.ts')).sort(), 'package-lock.json']) {
    const bytes = await readFile(join(root, file))
    hash.update(`\n${file} ${bytes.length}\n`).update(bytes)
  }
  return hash.digest('hex')
}

function defaultCacheDir(): string {
  const configured = process.env['XDG_CACHE_HOME']
  return join(configured?.startsWith('/') ? configured : join(homedir(), '.cache'), 'exoarmur', 'bundles')
}

async function readKept(entry: string): Promise<WorkflowBundle | null> {
  try {
    const [code, digest] = await Promise.all([
      readFile(join(entry, 'bundle.js'), 'utf8'),
      readFile(join(entry, 'sha256'), 'utf8'),
    ])
    return bundleDigest(code) === digest.trim() ? { code, digest: digest.trim() } : null
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** Made aside, then renamed: an entry is whole or absent, and whoever comes second finds the same bytes. */
async function keep(entry: string, { code, digest }: WorkflowBundle): Promise<void> {
  const aside = `${entry}.${randomUUID()}`
  await mkdir(aside, { recursive: true })
  await writeFile(join(aside, 'bundle.js'), code)
  await writeFile(join(aside, 'sha256'), `${digest}\n`)
  await rm(entry, { recursive: true, force: true })
  try {
    await rename(aside, entry)
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    const taken = error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST')
    if (!taken) throw error
  }
}
