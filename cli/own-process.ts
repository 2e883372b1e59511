/**
 * Runs a program of this checkout as a process of its own: the CLI is a client and builds no servers or pools itself.
 * Signals and the exit code pass through; the program ends when the CLI is killed.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = (name: string): string => fileURLToPath(new URL(`../bin/${name}`, import.meta.url))

const FOLLOW = new URL('../bin/launcher/follow.mjs', import.meta.url).href
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const

/** The exit code of the program. Its streams are ours. */
export function runOwnProcess(name: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', FOLLOW, program(name), ...args], {
      stdio: 'inherit',
      env: { ...env, EXO_LAUNCHER_PID: String(process.pid) },
    })
    // A terminal sends Ctrl-C to the whole group, so the program has it already; ours must only not end us before it.
    const forward = (signal: NodeJS.Signals) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    for (const signal of SIGNALS) process.on(signal, forward)
    const done = () => {
      for (const signal of SIGNALS) process.off(signal, forward)
    }
    child.once('error', (error) => {
      done()
      reject(error)
    })
    child.once('exit', (code, signal) => {
      done()
      resolve(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0))
    })
  })
}

/** What a short program prints; its complaints go to our standard error. Null when it failed. */
export async function readOwnProcess(name: string, args: readonly string[]): Promise<string | null> {
  const child = spawn(process.execPath, [program(name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [output, code] = await Promise.all([text(child.stdout), ended])
  return code === 0 ? output : null
}
