/**
 * The Merkle tree of RFC 9162 (SHA-256): growing it, proving against it, checking the proofs.
 *
 * Only complete subtrees are ever stored, addressed by `{level, index}`: level 0 is leaf hashes, and the node at level L
 * and index i covers the leaves from i * 2^L up to (i + 1) * 2^L. A complete subtree never changes, so a store of them is
 * append-only. Roots over an incomplete right edge are recomputed. Sizes go up to 2^53 - 1, hence no 32-bit shifts.
 *
 * Growing and proving trust the nodes they are given. Checking trusts nothing, shares no code with proving, and answers
 * false for whatever it cannot follow.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'

/** The address of a complete subtree. */
export interface NodeCoord {
  level: number
  index: number
}
export interface TreeNode extends NodeCoord {
  hash: Uint8Array
}
/** Reads the hash of a complete subtree. */
export type ReadNode = (level: number, index: number) => Uint8Array

const HASH_BYTES = 32
const LEAF_PREFIX = Uint8Array.of(0)
const NODE_PREFIX = Uint8Array.of(1)

/** The root of the tree without leaves. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0))

export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF_PREFIX, entry))
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE_PREFIX, left, right))
}

export interface Growth {
  size: number
  frontier: Uint8Array[]
  root: Uint8Array
  /** The subtrees these leaves completed, leaf hashes included, each after the two it is made of. */
  nodes: TreeNode[]
}

/**
 * Appends leaf hashes (not entries) to the tree of `size` leaves whose complete subtrees, largest first, have the roots
 * `frontier`. Neither argument is changed.
 */
export function appendLeaves(size: number, frontier: readonly Uint8Array[], leafHashes: readonly Uint8Array[]): Growth {
  if (frontierCoords(size).length !== frontier.length) throw new RangeError('frontier does not belong to this size')
  if (!isSize(size + leafHashes.length)) throw new RangeError('tree would be too large')
  const stack = [...frontier]
  const nodes: TreeNode[] = []
  for (const [offset, leaf] of leafHashes.entries()) {
    if (!isHash(leaf)) throw new RangeError('a leaf hash has 32 bytes')
    let hash = leaf
    let level = 0
    let index = size + offset
    nodes.push({ level, index, hash })
    while (isOdd(index)) {
      hash = nodeHash(stack.pop() ?? EMPTY_ROOT, hash)
      level += 1
      index = half(index)
      nodes.push({ level, index, hash })
    }
    stack.push(hash)
  }
  return { size: size + leafHashes.length, frontier: stack, root: rootOfFrontier(stack), nodes }
}

/** The complete subtrees a tree of this size is made of, largest first. */
export function frontierCoords(size: number): NodeCoord[] {
  if (!isSize(size)) throw new RangeError('size is not a count')
  return rangeCoords({ from: 0, to: size })
}

/** The root over complete subtrees given largest first. */
export function rootOfFrontier(frontier: readonly Uint8Array[]): Uint8Array {
  return frontier.length === 0 ? EMPTY_ROOT : frontier.reduceRight((right, left) => nodeHash(left, right))
}

/** The subtrees `inclusionProof` will read, so that a store can fetch them in one query. */
export function inclusionCoords(index: number, size: number): NodeCoord[] {
  return inclusionRanges(index, size).flatMap(rangeCoords)
}

/** The audit path of a leaf, RFC 9162 section 2.1.3.1. */
export function inclusionProof(index: number, size: number, node: ReadNode): Uint8Array[] {
  return inclusionRanges(index, size).map((range) => rangeRoot(range, node))
}

/** The subtrees `consistencyProof` will read. */
export function consistencyCoords(from: number, to: number): NodeCoord[] {
  return consistencyRanges(from, to).flatMap(rangeCoords)
}

/** The proof that the tree of `to` leaves extends the one of `from`, RFC 9162 section 2.1.4.1; empty from the empty tree. */
export function consistencyProof(from: number, to: number, node: ReadNode): Uint8Array[] {
  return consistencyRanges(from, to).map((range) => rangeRoot(range, node))
}

export interface InclusionClaim {
  leafHash: Uint8Array
  index: number
  size: number
  root: Uint8Array
  hashes: readonly Uint8Array[]
}

/** Recomputes the root as RFC 9162 section 2.1.3.2 says. A proof one hash too long or too short is refused. */
export function verifyInclusion({ leafHash, index, size, root, hashes }: InclusionClaim): boolean {
  if (!isSize(size) || !isSize(index) || index >= size || ![leafHash, root, ...hashes].every(isHash)) return false
  let own = index
  let last = size - 1
  let computed = leafHash
  for (const hash of hashes) {
    if (last === 0) return false
    if (isOdd(own) || own === last) {
      computed = nodeHash(hash, computed)
      while (!isOdd(own) && own !== 0) [own, last] = [half(own), half(last)]
    } else computed = nodeHash(computed, hash)
    ;[own, last] = [half(own), half(last)]
  }
  return last === 0 && sameBytes(computed, root)
}

export interface ConsistencyClaim {
  from: number
  to: number
  fromRoot: Uint8Array
  toRoot: Uint8Array
  hashes: readonly Uint8Array[]
}

/**
 * Recomputes both roots as RFC 9162 section 2.1.4.2 says. Equal sizes need equal roots, and the empty tree its own root;
 * both take an empty proof only.
 */
export function verifyConsistency({ from, to, fromRoot, toRoot, hashes }: ConsistencyClaim): boolean {
  if (!isSize(from) || !isSize(to) || from > to || ![fromRoot, toRoot, ...hashes].every(isHash)) return false
  if (from === 0 && !sameBytes(fromRoot, EMPTY_ROOT)) return false
  if (from === to) return hashes.length === 0 && sameBytes(fromRoot, toRoot)
  if (from === 0) return hashes.length === 0
  if (hashes.length === 0) return false
  let own = from - 1
  let last = to - 1
  while (isOdd(own)) [own, last] = [half(own), half(last)]
  // A power of two is itself a complete subtree, so its root is left out of the proof.
  const [start = fromRoot, ...rest] = own === 0 ? [fromRoot, ...hashes] : hashes
  let older = start
  let newer = start
  for (const hash of rest) {
    if (last === 0) return false
    if (isOdd(own) || own === last) {
      older = nodeHash(hash, older)
      newer = nodeHash(hash, newer)
      while (!isOdd(own) && own !== 0) [own, last] = [half(own), half(last)]
    } else newer = nodeHash(newer, hash)
    ;[own, last] = [half(own), half(last)]
  }
  return last === 0 && sameBytes(older, fromRoot) && sameBytes(newer, toRoot)
}

/** Leaves `from` up to, not including, `to`. Every range below starts where a subtree of its size may start. */
interface Range {
  from: number
  to: number
}

function inclusionRanges(index: number, size: number): Range[] {
  if (!isSize(size) || !isSize(index) || index >= size) throw new RangeError('no such leaf in a tree of this size')
  const siblings: Range[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from)
    if (index < middle) {
      siblings.push({ from: middle, to })
      to = middle
    } else {
      siblings.push({ from, to: middle })
      from = middle
    }
  }
  return siblings.reverse()
}

function consistencyRanges(older: number, newer: number): Range[] {
  if (!isSize(older) || !isSize(newer) || older > newer) throw new RangeError('sizes do not grow')
  if (older === 0 || older === newer) return []
  const ranges: Range[] = []
  let [from, to] = [0, newer]
  while (older < to) {
    const middle = from + largestPowerBelow(to - from)
    if (older <= middle) {
      ranges.push({ from: middle, to })
      to = middle
    } else {
      ranges.push({ from, to: middle })
      from = middle
    }
  }
  if (from > 0) ranges.push({ from, to })
  return ranges.reverse()
}

function rangeCoords({ from, to }: Range): NodeCoord[] {
  const coords: NodeCoord[] = []
  let start = from
  while (start < to) {
    const { level, width } = largestSubtree(to - start)
    coords.push({ level, index: start / width })
    start += width
  }
  return coords
}

function rangeRoot(range: Range, node: ReadNode): Uint8Array {
  return rootOfFrontier(rangeCoords(range).map(({ level, index }) => node(level, index)))
}

function largestSubtree(count: number): { level: number; width: number } {
  let [level, width] = [0, 1]
  while (width * 2 <= count) [level, width] = [level + 1, width * 2]
  return { level, width }
}

function largestPowerBelow(count: number): number {
  const { width } = largestSubtree(count)
  return width === count ? width / 2 : width
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isOdd(value: number): boolean {
  return value % 2 === 1
}

function half(value: number): number {
  return Math.floor(value / 2)
}

function isHash(bytes: Uint8Array): boolean {
  return bytes instanceof Uint8Array && bytes.length === HASH_BYTES
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
