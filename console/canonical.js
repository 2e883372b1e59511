/** The canonical form that hashes and votes are over, for values that came as JSON; `domain/canonical.ts` in a few lines. */

/**
 * Canonical JSON (RFC 8785) of a value that came as JSON.
 * @param {any} value
 * @returns {string}
 */
export function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
  return `{${members.join(',')}}`
}
