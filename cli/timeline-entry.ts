/** One row of a timeline: when, a word, and as many lines as it takes. */
import { instant } from './render.ts'
import type { Paint } from './terminal.ts'

const TIME_WIDTH = '2030-01-31 10:20:30Z'.length

/** A time, a word, and lines beside them. */
export function entry(paint: Paint, at: string | null, word: string, lines: readonly string[]): string[] {
  const time = at === null ? ''.padEnd(TIME_WIDTH) : instant(at)
  return lines.map((line, index) =>
    index === 0
      ? `${paint('dim', time)}  ${paint('bold', word.padEnd(9))}  ${line}`
      : `${' '.repeat(TIME_WIDTH + 13)}${line}`,
  )
}
