/**
 * The events of a tenant or of one operation as they happen. A broken connection is taken up again after the last event
 * that was seen, so none is missed and none comes twice; a cursor the API no longer knows is an error, not a gap.
 */
import { createParser } from 'eventsource-parser'
import { EXIT } from './exit-codes.ts'
import { Failure } from './failure.ts'
import type { Session } from './session.ts'
import type { JsonObject } from '../domain/canonical.ts'

export interface ExoEvent extends JsonObject {
  cursor: string
  kind: string
  operation_id: string | null
  status: string | null
  at: string
}

const SILENCE_MS = 40_000
const PAUSE_MS = { first: 500, most: 10_000 }

/** Calls `take` with each event until it answers false or `signal` aborts. */
export async function followEvents(
  session: Session,
  path: string,
  after: string | undefined,
  signal: AbortSignal,
  take: (event: ExoEvent) => boolean,
): Promise<void> {
  let last = after
  let pauseMs = PAUSE_MS.first
  let everOpen = false
  const opened = () => {
    everOpen = true
  }
  while (!signal.aborted) {
    try {
      const ended = await readStream(session, path, last, signal, opened, (event) => {
        last = event.cursor
        pauseMs = PAUSE_MS.first
        return take(event)
      })
      if (ended) return
    } catch (error) {
      if (signal.aborted) return
      if (!everOpen || !isBroken(error)) throw error
    }
    session.terminal.aside(
      `the stream broke off; again in ${pauseMs / 1000} s${last === undefined ? '' : ', after the last event'}`,
    )
    await pause(pauseMs, signal)
    pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most)
  }
}

/** Nobody answers, or the connection went away in the middle: all else is not mended by trying again. */
function isBroken(error: unknown): boolean {
  if (error instanceof Failure) return error.exit === EXIT.unreachable
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error instanceof TypeError && error.message === 'terminated'))
  )
}

/** True when `take` wanted no more, false when the stream ended by itself. */
async function readStream(
  { api }: Session,
  path: string,
  last: string | undefined,
  signal: AbortSignal,
  opened: () => void,
  take: (event: ExoEvent) => boolean,
): Promise<boolean> {
  const quiet = new AbortController()
  let timer = setTimeout(() => quiet.abort(), SILENCE_MS)
  try {
    const response = await api.raw(path, {
      signal: AbortSignal.any([signal, quiet.signal]),
      headers: { Accept: 'text/event-stream', ...(last === undefined ? {} : { 'Last-Event-ID': last }) },
    })
    opened()
    let more = true
    const parser = createParser({
      onEvent: ({ data }) => {
        if (more) more = take(JSON.parse(data) as ExoEvent)
      },
    })
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      clearTimeout(timer)
      timer = setTimeout(() => quiet.abort(), SILENCE_MS)
      parser.feed(decoder.decode(chunk, { stream: true }))
      if (!more) return true
    }
    return false
  } finally {
    clearTimeout(timer)
    quiet.abort()
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
