/** A text as a preview shows it: whole, or its beginning with the digest of the whole. Never cut silently. */
import { sha256TextHex } from '../domain/hash.ts'
import type { Preview } from '../domain/plan.ts'
import { beginning } from '../domain/text.ts'

/** 3,000 characters stay within a preview's bytes beside a few other fields, even where each of them is escaped. */
export function shownText(label: string, text: string, length = 3_000): Preview['fields'] {
  if (text.length <= length) return [{ label, value: text }]
  return [
    { label, value: `${beginning(text, length)}…` },
    { label: `SHA-256 of the whole ${label}`, value: sha256TextHex(text) },
  ]
}
