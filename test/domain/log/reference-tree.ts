/**
 * The Merkle tree hash by its definition alone (RFC 9162, section 2.1.1), slow and obvious, on the platform's SHA-256.
 * It shares no code with `domain/log/merkle.ts`.
 */
import { createHash } from 'node:crypto'

const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

export function referenceLeaf(entry: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), entry)
}

/** The root over leaf hashes. */
export function referenceRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only = sha256()] = leaves
  if (leaves.length <= 1) return only
  const middle = splitPoint(leaves.length)
  return sha256(Uint8Array.of(1), referenceRoot(leaves.slice(0, middle)), referenceRoot(leaves.slice(middle)))
}

/** The audit path of one leaf, by the recursive definition of section 2.1.3.1. */
export function referencePath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return []
  const middle = splitPoint(leaves.length)
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)]
  return index < middle
    ? [...referencePath(index, left), referenceRoot(right)]
    : [...referencePath(index - middle, right), referenceRoot(left)]
}

/** The consistency proof, by the recursive definition of section 2.1.4.1. */
export function referenceConsistency(from: number, leaves: readonly Uint8Array[], whole = true): Uint8Array[] {
  if (from === leaves.length) return whole ? [] : [referenceRoot(leaves)]
  const middle = splitPoint(leaves.length)
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)]
  return from <= middle
    ? [...referenceConsistency(from, left, whole), referenceRoot(right)]
    : [...referenceConsistency(from - middle, right, false), referenceRoot(left)]
}

function splitPoint(count: number): number {
  let width = 1
  while (width * 2 < count) width *= 2
  return width
}
