/**
 * The process's own log: JSON lines on standard error. Personal data is masked before a line is written, whichever part of
 * it holds some, messages of errors included. Leaves are the record; nothing here is.
 */
import pino from 'pino'
import type { Json } from '../domain/canonical.ts'
import { maskJson, maskText } from '../domain/mask.ts'

export function openLog(level: string, destination: pino.DestinationStream = pino.destination(2)): pino.Logger {
  return pino(
    {
      level,
      hooks: {
        logMethod(given, write) {
          write.apply(this, given.map(masked) as Parameters<typeof write>)
        },
      },
    },
    destination,
  )
}

/** For a line that is written past the log. */
export function maskedLine(text: string, more?: unknown): string {
  return `${maskText(text).value}${more === undefined ? '' : ` ${JSON.stringify(masked(more))}`}\n`
}

function masked(given: unknown): Json {
  const text = JSON.stringify(given, errorsAsText)
  return text === undefined ? null : maskJson(JSON.parse(text) as Json).value
}

function errorsAsText(_name: string, value: unknown): unknown {
  return value instanceof Error ? `${value.name}: ${value.message}` : typeof value === 'bigint' ? String(value) : value
}
