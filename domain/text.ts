/** Texts as people are shown them: how long they are, and how they are cut. */
import { utf8ToBytes } from '@noble/hashes/utils.js'

/** The beginning of a text. A character that the cut would halve is replaced: half of one is no I-JSON, and cannot be hashed. */
export function beginning(text: string, length: number): string {
  return text.slice(0, length).toWellFormed()
}

/** The bytes of a text as JSON writes it, its escapes and quotes with it. */
export function writtenBytes(text: string): number {
  return utf8ToBytes(JSON.stringify(text)).length
}
