/**
 * What the faults need of the machine beyond processes and links: clocks that can be set (libfaketime), a small disk that
 * can be filled (a tmpfs, which takes root), and a checkout whose code can be changed under a running deployment. What is
 * not to be had here is said, and the schedule is the same.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ClockName, Fault } from './schedule.ts'
import type { startDeployment } from '../../bin/deployment.ts'
import { findPostgres } from '../../bin/stack/postgres-program.ts'
import { copyCheckout } from '../support/checkout.ts'

const LIBFAKETIME = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/local/lib'].map((dir) =>
  join(dir, 'faketime', 'libfaketime.so.1'),
)
/** What the deployment writes before its first operation, and in a minute of load at most. */
const DISK_MB = { first: 900, minute: 150 }

export class Machine {
  /** Everything the run leaves on disk, the deployment's home included, lies below it. */
  readonly dir: string
  /** Kinds of fault that cannot be had here, each with the reason. */
  readonly missing: ReadonlyMap<Fault['kind'], string>
  /** Of the disk that can be filled; null where none could be mounted. */
  readonly #size: string | null
  readonly #library: string | null
  #versions = 0

  private constructor(dir: string, size: string | null, library: string | null) {
    this.dir = dir
    this.#size = size
    this.#library = library
    const missing = new Map<Fault['kind'], string>()
    if (size === null) missing.set('disk full', 'no tmpfs can be mounted')
    if (library === null) missing.set('clock', 'no libfaketime')
    this.missing = missing
  }

  /** Makes the directory, the small disk under it where that is allowed, and points temporary files there. */
  static async make(minutes: number): Promise<Machine> {
    const dir = mkdtempSync(join(tmpdir(), 'exo-chaos-'))
    const size = `${DISK_MB.first + Math.ceil(minutes * DISK_MB.minute)}m`
    const mounted = mount(dir, size)
    chmodSync(dir, 0o755)
    process.env.TMPDIR = dir
    const machine = new Machine(dir, mounted ? size : null, LIBFAKETIME.find((file) => existsSync(file)) ?? null)
    // However it ends: a disk in memory would stay.
    process.once('exit', () => machine.remove())
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
    await machine.#fakePostgres()
    return machine
  }

  /** What the app's environment needs for its clock to be set. */
  appEnvironment(): Record<string, string> {
    return this.#library === null ? {} : this.#clockOf('app', this.#library)
  }

  /** Zero is the machine's own time. Monotonic clocks go on as they are. */
  setClock(name: ClockName, seconds: number): void {
    if (this.#library !== null) writeFileSync(join(this.dir, `${name}.clock`), `${seconds < 0 ? '' : '+'}${seconds}\n`)
  }

  /** The disk becomes as large as what is on it, for who writes meanwhile a little more. */
  fillDisk(): boolean {
    const { blocks, bfree, bsize } = statfsSync(this.dir)
    return [64, 1024, 16_384].some((spareKb) =>
      this.#resize(`${Math.ceil(((blocks - bfree) * bsize) / 1024) + spareKb}k`),
    )
  }

  emptyDisk(): void {
    if (this.#size !== null) this.#resize(this.#size)
  }

  #resize(size: string): boolean {
    if (this.#size === null) return false
    return spawnSync('mount', ['-o', `remount,size=${size}`, this.dir], { stdio: 'ignore' }).status === 0
  }

  /** A checkout of its own, from which the deployment runs and in which {@link upgrade} changes the workflow code. */
  async checkout(): Promise<{ startDeployment: typeof startDeployment }> {
    await copyCheckout(this.copy)
    return (await import(join(this.copy, 'bin', 'deployment.ts'))) as { startDeployment: typeof startDeployment }
  }

  /** The next start of the app runs other workflow code; what waits is finished by the code that began it. */
  upgrade(): void {
    const file = join(this.copy, 'workflows', 'details.ts')
    const next = `Waiting for (version ${++this.#versions})`
    writeFileSync(file, readFileSync(file, 'utf8').replace(/Waiting for( \(version \d+\))?/, next))
  }

  /** The verifier of the checkout, with all code that this run had. */
  async verifier(home: string): Promise<string> {
    const bundles = join(home, 'bundles')
    await cp(bundles, join(this.copy, 'test', 'replay', 'code'), { recursive: true })
    return join(this.copy, 'cli', 'main.ts')
  }

  remove(): void {
    if (!existsSync(this.dir)) return
    if (this.#size !== null) execFileSync('umount', ['--lazy', this.dir])
    rmSync(this.dir, { recursive: true, force: true })
  }

  get copy(): string {
    return join(this.dir, 'checkout')
  }

  #clockOf(name: ClockName, library: string): Record<string, string> {
    this.setClock(name, 0)
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: join(this.dir, `${name}.clock`),
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** PostgreSQL's programs behind scripts that give them such a clock, first on the path of whoever looks for them. */
  async #fakePostgres(): Promise<void> {
    if (this.#library === null) return
    const found = await findPostgres()
    if (found === null) return
    const bin = join(this.dir, 'bin')
    mkdirSync(bin)
    const clock = Object.entries(this.#clockOf('postgres', this.#library)).map(([name, value]) => `${name}=${value}`)
    for (const program of ['postgres', 'initdb', 'pg_config']) {
      const env = program === 'postgres' ? `env ${clock.join(' ')} ` : ''
      writeFileSync(join(bin, program), `#!/bin/sh\nexec ${env}${join(dirname(found.binary), program)} "$@"\n`, {
        mode: 0o755,
      })
    }
    process.env.PATH = `${bin}:${process.env.PATH ?? ''}`
  }
}

function mount(dir: string, size: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}
