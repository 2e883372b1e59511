/** The beginning of a text. A character that the cut would halve is replaced: half of one is no I-JSON, and cannot be hashed. */
export function beginning(text: string, length: number): string {
  return text.slice(0, length).toWellFormed()
}
