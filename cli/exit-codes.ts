/**
 * What `exo` tells the shell, as one table: scripts and the help topic read the same rows. A code never changes its
 * meaning; a new outcome gets a new code.
 */
import type { ErrorCode } from '../domain/errors.ts'
import { isFinal, type Status } from '../domain/lifecycle.ts'

export const EXIT = Object.freeze({
  ok: 0,
  refused: 1,
  usage: 2,
  pending: 3,
  unreachable: 4,
  unknown: 5,
  fault: 70,
  interrupted: 130,
})
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export const EXIT_CODES: readonly { code: ExitCode; name: keyof typeof EXIT; meaning: string }[] = Object.freeze([
  { code: 0, name: 'ok', meaning: 'done: it ended well, the vote counts, the verification passed' },
  {
    code: 1,
    name: 'refused',
    meaning: 'refused, blocked, denied, expired, cancelled or failed; verification did not pass',
  },
  { code: 2, name: 'usage', meaning: 'the command line, a file or a key is not usable; nothing was sent' },
  { code: 3, name: 'pending', meaning: 'still going: it waits for people, for its end or for its seal' },
  {
    code: 4,
    name: 'unreachable',
    meaning: 'no answer, a backend is down, or too many calls; the same command may succeed later',
  },
  { code: 5, name: 'unknown', meaning: 'the effect may or may not have happened; a person must resolve it' },
  { code: 70, name: 'fault', meaning: 'a fault in exo itself' },
  { code: 130, name: 'interrupted', meaning: 'interrupted with Ctrl-C, or declined at the prompt' },
])

/** The exit code that tells an operation's status. */
export function exitOfStatus(status: Status): ExitCode {
  if (!isFinal(status)) return EXIT.pending
  if (status === 'executed' || status === 'proposed') return EXIT.ok
  return status === 'unknown' ? EXIT.unknown : EXIT.refused
}

const NOT_NOW: readonly ErrorCode[] = ['backend.unavailable', 'rate_limit.exceeded', 'internal.error']

/** The exit code that tells an error envelope. A gate that blocks for want of facts has refused: an operation ended. */
export function exitOfError(code: string): ExitCode {
  if (code === 'effect.unknown') return EXIT.unknown
  return NOT_NOW.some((each) => each === code) ? EXIT.unreachable : EXIT.refused
}
