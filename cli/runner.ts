/** How a command file plugs in: it declares its words, and hands over a task that comes to an {@link Outcome}. */
import { InvalidArgumentError } from 'commander'
import type { Outcome, Session } from './session.ts'

export type Runner = <Given extends unknown[]>(
  task: (session: Session, ...given: Given) => Promise<Outcome>,
) => (...given: Given) => Promise<void>

/** Parses a whole number of an option within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`)
    return value
  }
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}
