/** What every command is handed: the terminal, the home, and the API once somebody asks for it. */
import { resolve } from 'node:path'
import { anonymousClient, Client } from './client.ts'
import { type Addressing, openAddress, openConnection } from './connection.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'
import type { Json } from '../domain/canonical.ts'

/** What a command came to: one document for programs, the same for people, and the exit code. */
export interface Outcome {
  exit: ExitCode
  json: Json
  text: string
}

export interface Session {
  terminal: Terminal
  env: NodeJS.ProcessEnv
  /** `EXO_HOME`, absolute. */
  home: string
  /** Whether standard output is for programs. */
  json: boolean
  /** Opened at the first use: commands that work offline need no credential. */
  readonly api: Client
  /** The API as nobody in particular, at the address given or where it is otherwise known to be. */
  anonymous(url: string | undefined): Client
  /** What follows an ID in a command that is to be typed next, so that it works as it stands. */
  readonly asOption: string
}

export function openSession(given: Addressing, json: boolean, terminal: Terminal, env: NodeJS.ProcessEnv): Session {
  const home = resolve(env.EXO_HOME || '.exo')
  let client: Client | null = null
  return {
    terminal,
    env,
    home,
    json,
    get api() {
      client ??= new Client(openConnection(given, home, env))
      return client
    },
    anonymous: (url) => anonymousClient(openAddress(given, url, home, env)),
    get asOption() {
      const as = client?.connection.as
      return as === null || as === undefined ? '' : ` --as ${as}`
    },
  }
}
