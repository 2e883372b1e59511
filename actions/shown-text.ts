/** A text as a preview shows it: whole, or its beginning with the digest of the whole. Never cut silently. */
import { sha256TextHex } from '../domain/hash.ts'
import type { Preview } from '../domain/plan.ts'
import { beginning, writtenBytes } from '../domain/text.ts'

/** What is left of a preview's 32 KiB are for the other fields. */
const MOST_BYTES = 18 * 1024
/** Within these bytes even where each is escaped. */
const BEGINNING = 3_000

export function shownText(label: string, text: string): Preview['fields'] {
  if (writtenBytes(text) <= MOST_BYTES) return [{ label, value: text }]
  return [
    { label, value: `${beginning(text, BEGINNING)}…` },
    { label: `SHA-256 of the whole ${label}`, value: sha256TextHex(text) },
  ]
}
