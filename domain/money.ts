/** Exact decimals as strings: at most 12 digits before the point and 6 after. Arithmetic is on BigInt micro-units. */
const DECIMAL = /^\d{1,12}(\.\d{1,6})?$/

/** Micro-units of a non-negative decimal string, or null when the text is not one. */
export function toMicros(text: unknown): bigint | null {
  if (typeof text !== 'string' || !DECIMAL.test(text)) return null
  const point = text.indexOf('.')
  // Up to here the micro-units are a safe integer, and a number becomes a BigInt faster than a text does.
  if (text.length <= 9) return BigInt(Math.round(Number(text) * 1_000_000))
  return point === -1 ? BigInt(`${text}000000`) : BigInt(text.slice(0, point) + text.slice(point + 1).padEnd(6, '0'))
}

/** A decimal as it is written: no zeros at its end; null when it has more digits than a decimal may have. */
export function fromMicros(micros: bigint): string | null {
  const text = micros.toString().padStart(7, '0')
  const decimal = `${text.slice(0, -6)}.${text.slice(-6)}`.replace(/\.?0+$/, '')
  return DECIMAL.test(decimal) ? decimal : null
}

/** Micro-units of a decimal that may be negative (KPI values, corridors), or null. */
export function toSignedMicros(text: unknown): bigint | null {
  if (typeof text !== 'string') return null
  const micros = toMicros(text.startsWith('-') ? text.slice(1) : text)
  return micros === null ? null : text.startsWith('-') ? -micros : micros
}

/** The shortest text of so many micro-units. */
export function microsText(micros: bigint): string {
  const digits = (micros < 0n ? -micros : micros).toString().padStart(7, '0')
  const fraction = digits.slice(-6).replace(/0+$/, '')
  return `${micros < 0n ? '-' : ''}${digits.slice(0, -6)}${fraction === '' ? '' : `.${fraction}`}`
}
