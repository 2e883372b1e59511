/**
 * Runs a program to its end.
 *
 * Guarantees: no shell, output kept to its last part, the process ended when the caller gives up or the time is over.
 * Does not interpret exit codes: the caller does.
 */
import { spawn } from 'node:child_process'

interface CommandOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Run as this user and group of the same number; only root may ask. */
  uid?: number
  withinMs?: number
  signal?: AbortSignal | undefined
  onLine?: (line: string) => void
}

interface CommandResult {
  /** Null when the program could not be started or was ended by a signal. */
  code: number | null
  output: string
}

const keptCharacters = 64 * 1024

export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
      // On SIGINT `go` stops its compilers and `pip` and `initdb` clear away what they began.
      killSignal: options.signal === undefined ? 'SIGKILL' : 'SIGINT',
      ...(options.withinMs === undefined ? {} : { timeout: options.withinMs }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    let output = ''
    let rest = ''
    const take = (chunk: string): void => {
      output = (output + chunk).slice(-keptCharacters)
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) options.onLine?.(line)
    }
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.once('error', (error) => resolve({ code: null, output: `${output}${error.message}` }))
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** The last lines of an output, for an error message. */
export function lastLines(output: string, count = 8): string {
  return output.trimEnd().split('\n').slice(-count).join('\n')
}

/**
 * What a server we start may see of our environment: nothing that configures it behind our back (PG*, VGW_*,
 * TEMPORAL_*), and none of the keys and passwords that our own process was given.
 */
export function plainEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LD_LIBRARY_PATH'] as const
  return {
    ...Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
    ...extra,
  }
}
