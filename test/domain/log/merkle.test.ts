import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  appendLeaves,
  consistencyCoords,
  consistencyProof,
  EMPTY_ROOT,
  frontierCoords,
  inclusionCoords,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOfFrontier,
  type Growth,
  type InclusionClaim,
  type NodeCoord,
  verifyConsistency,
  verifyInclusion,
} from '../../../domain/log/merkle.ts'
import { referenceConsistency, referenceLeaf, referencePath, referenceRoot } from './reference-tree.ts'

const EMPTY: Growth = { size: 0, frontier: [], root: EMPTY_ROOT, nodes: [] }

/** A log held in memory, grown in steps, that remembers its root at every size it passed through one by one. */
function grow(count: number, step = 1) {
  const leaves = Array.from({ length: count }, (_, i) => leafHash(utf8ToBytes(`entry ${i}`)))
  const nodes = new Map<string, Uint8Array>()
  const roots = [EMPTY_ROOT]
  let tree = EMPTY
  for (let at = 0; at < count; at += step) {
    tree = appendLeaves(tree.size, tree.frontier, leaves.slice(at, at + step))
    for (const { level, index, hash } of tree.nodes) nodes.set(`${level}/${index}`, hash)
    roots[tree.size] = tree.root
  }
  const asked: NodeCoord[] = []
  const node = (level: number, index: number): Uint8Array => {
    asked.push({ level, index })
    const hash = nodes.get(`${level}/${index}`)
    if (hash === undefined) throw new Error(`no complete subtree ${level}/${index}`)
    return hash
  }
  return { leaves, nodes, roots, tree, asked, node, root: (size: number) => roots[size] ?? new Uint8Array() }
}

const log = grow(130)
const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

const text = ({ leafHash: leaf, index, size, root, hashes }: InclusionClaim): string =>
  [index, size, ...[leaf, root, ...hashes].map(bytesToHex)].join()

describe('known answers', () => {
  const ENTRIES = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ].map(hexToBytes)
  const ROOTS = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]

  test('the empty tree has the hash of nothing as its root', () => {
    expect(bytesToHex(EMPTY_ROOT)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(bytesToHex(rootOfFrontier([]))).toBe(bytesToHex(EMPTY_ROOT))
  })

  test('the roots of the published eight-leaf tree of Certificate Transparency come out', () => {
    let tree = EMPTY
    for (const [i, entry] of ENTRIES.entries()) {
      tree = appendLeaves(tree.size, tree.frontier, [leafHash(entry)])
      expect(bytesToHex(tree.root)).toBe(ROOTS[i])
    }
  })

  test('a leaf and a node of the same bytes have different hashes', () => {
    const [a, b] = [leafHash(Uint8Array.of(1)), leafHash(Uint8Array.of(2))]
    expect(bytesToHex(nodeHash(a, b))).not.toBe(bytesToHex(leafHash(new Uint8Array([...a, ...b]))))
    expect(bytesToHex(leafHash(Uint8Array.of(7)))).toBe(bytesToHex(referenceLeaf(Uint8Array.of(7))))
  })
})

describe('growing', () => {
  test('every size up to 130 has the root of the definition', () => {
    for (let size = 0; size <= 130; size++)
      expect(bytesToHex(log.root(size))).toBe(bytesToHex(referenceRoot(log.leaves.slice(0, size))))
  })

  test('steps of any width lead to the same tree and the same nodes', () => {
    for (const step of [2, 3, 7, 64, 130]) {
      const other = grow(130, step)
      expect(other.tree.frontier).toEqual(log.tree.frontier)
      expect(other.nodes).toEqual(log.nodes)
    }
  })

  test('no leaves change nothing, and the arguments stay as they were', () => {
    const frontier = Object.freeze([...log.tree.frontier])
    expect(appendLeaves(130, frontier, [])).toEqual({ size: 130, frontier, root: log.tree.root, nodes: [] })
    appendLeaves(130, frontier, [leafHash(Uint8Array.of(1))])
    expect(frontier).toEqual(log.tree.frontier)
  })

  test('the frontier is what its coordinates say', () => {
    expect(frontierCoords(0)).toEqual([])
    expect(frontierCoords(11)).toEqual([
      { level: 3, index: 0 },
      { level: 1, index: 4 },
      { level: 0, index: 10 },
    ])
    expect(frontierCoords(130).map(({ level, index }) => log.node(level, index))).toEqual(log.tree.frontier)
  })

  test('a frontier of another size, a leaf that is no hash and a size past the limit are refused', () => {
    expect(() => appendLeaves(3, [EMPTY_ROOT], [])).toThrow(RangeError)
    expect(() => appendLeaves(0, [], [new Uint8Array(31)])).toThrow(RangeError)
    expect(() => frontierCoords(-1)).toThrow(RangeError)
    expect(() => frontierCoords(2 ** 53)).toThrow(RangeError)
    const full = Array.from({ length: 53 }, () => EMPTY_ROOT)
    expect(() => appendLeaves(2 ** 53 - 1, full, [EMPTY_ROOT])).toThrow(RangeError)
  })
})

describe('inclusion', () => {
  test('every leaf of every size up to 130 has the path of the definition, and it verifies', () => {
    for (let size = 1; size <= 130; size++)
      for (let index = 0; index < size; index++) {
        const hashes = inclusionProof(index, size, log.node)
        const claim = { leafHash: log.leaves[index] ?? EMPTY_ROOT, index, size, root: log.root(size), hashes }
        if (!verifyInclusion(claim)) throw new Error(`leaf ${index} of ${size}`)
      }
    for (const size of [1, 2, 3, 7, 8, 21, 64, 130])
      for (let index = 0; index < size; index++)
        expect(inclusionProof(index, size, log.node)).toEqual(referencePath(index, log.leaves.slice(0, size)))
  }, 60_000)

  test('the listed coordinates are exactly those asked for, in that order', () => {
    for (const [index, size] of [
      [0, 1],
      [5, 7],
      [12, 130],
      [129, 130],
      [63, 64],
    ] as const) {
      log.asked.length = 0
      inclusionProof(index, size, log.node)
      expect(inclusionCoords(index, size)).toEqual(log.asked)
    }
  })

  test('a proof for another leaf, index, size, root or with another hash fails', () => {
    const sample = fc.integer({ min: 1, max: 130 }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        index: fc.integer({ min: 0, max: size - 1 }),
        bit: fc.nat(255),
        which: fc.nat(20),
      }),
    )
    fc.assert(
      fc.property(sample, ({ size, index, bit, which }) => {
        const hashes = inclusionProof(index, size, log.node)
        const good = { leafHash: log.leaves[index] ?? EMPTY_ROOT, index, size, root: log.root(size), hashes }
        const bad = [
          { ...good, leafHash: flipped(good.leafHash, bit) },
          { ...good, root: flipped(good.root, bit) },
          { ...good, hashes: hashes.map((hash, i) => (i === which % hashes.length ? flipped(hash, bit) : hash)) },
          { ...good, hashes: hashes.slice(0, -1) },
          { ...good, hashes: hashes.slice(1) },
          { ...good, hashes: [...hashes, EMPTY_ROOT] },
          { ...good, hashes: hashes.map((hash) => hash.subarray(1)) },
          { ...good, hashes: hashes.toReversed() },
          { ...good, index: (index + 1) % (size + 1) },
          { ...good, index: size },
          { ...good, index: -1 },
          { ...good, index: index + 0.5 },
          { ...good, size: 0 },
          { ...good, size: 2 ** 53 },
        ].filter((claim) => text(claim) !== text(good))
        expect(verifyInclusion(good)).toBe(true)
        return bad.every((claim) => !verifyInclusion(claim))
      }),
      { numRuns: 150 },
    )
  })

  test('there is no leaf past the end', () => {
    expect(() => inclusionProof(5, 5, log.node)).toThrow(RangeError)
    expect(() => inclusionCoords(0, 0)).toThrow(RangeError)
    expect(() => inclusionCoords(-1, 5)).toThrow(RangeError)
    expect(() => inclusionCoords(0.5, 5)).toThrow(RangeError)
    expect(() => inclusionCoords(0, 2 ** 53)).toThrow(RangeError)
  })
})

describe('consistency', () => {
  test('every pair of sizes up to 130 verifies', () => {
    for (let to = 0; to <= 130; to++)
      for (let from = 0; from <= to; from++) {
        const hashes = consistencyProof(from, to, log.node)
        const claim = { from, to, fromRoot: log.root(from), toRoot: log.root(to), hashes }
        if (!verifyConsistency(claim)) throw new Error(`${from} to ${to}`)
      }
    for (const to of [1, 2, 7, 8, 33, 130])
      for (let from = 1; from <= to; from++)
        expect(consistencyProof(from, to, log.node)).toEqual(referenceConsistency(from, log.leaves.slice(0, to)))
  }, 60_000)

  test('the listed coordinates are exactly those asked for, in that order', () => {
    for (const [from, to] of [
      [0, 9],
      [3, 7],
      [8, 130],
      [77, 130],
      [64, 128],
    ] as const) {
      log.asked.length = 0
      consistencyProof(from, to, log.node)
      expect(consistencyCoords(from, to)).toEqual(log.asked)
    }
  })

  test('a proof of other sizes or roots, or with another hash, fails', () => {
    const sample = fc.integer({ min: 2, max: 130 }).chain((to) =>
      fc.record({
        to: fc.constant(to),
        from: fc.integer({ min: 1, max: to - 1 }),
        bit: fc.nat(255),
        which: fc.nat(20),
      }),
    )
    fc.assert(
      fc.property(sample, ({ from, to, bit, which }) => {
        const hashes = consistencyProof(from, to, log.node)
        const good = { from, to, fromRoot: log.root(from), toRoot: log.root(to), hashes }
        expect(verifyConsistency(good)).toBe(true)
        const bad = [
          { ...good, fromRoot: flipped(good.fromRoot, bit) },
          { ...good, toRoot: flipped(good.toRoot, bit) },
          { ...good, hashes: hashes.map((hash, i) => (i === which % hashes.length ? flipped(hash, bit) : hash)) },
          { ...good, hashes: hashes.slice(0, -1) },
          { ...good, hashes: hashes.slice(1) },
          { ...good, hashes: [...hashes, EMPTY_ROOT] },
          { ...good, hashes: [] },
          { ...good, from: from - 1 },
          { ...good, from: to, to: from },
          { ...good, from: to },
          { ...good, from: 0 },
          { ...good, to: from },
          { ...good, to: 2 ** 53 },
          { ...good, fromRoot: good.toRoot, toRoot: good.fromRoot },
        ]
        return bad.every((claim) => !verifyConsistency(claim))
      }),
      { numRuns: 150 },
    )
  })

  test('equal sizes need equal roots and no hashes, and only the empty root stands for the empty tree', () => {
    const root = log.root(9)
    expect(verifyConsistency({ from: 9, to: 9, fromRoot: root, toRoot: root, hashes: [] })).toBe(true)
    expect(verifyConsistency({ from: 9, to: 9, fromRoot: root, toRoot: root, hashes: [root] })).toBe(false)
    expect(verifyConsistency({ from: 9, to: 9, fromRoot: root, toRoot: EMPTY_ROOT, hashes: [] })).toBe(false)
    expect(verifyConsistency({ from: 0, to: 9, fromRoot: EMPTY_ROOT, toRoot: root, hashes: [] })).toBe(true)
    expect(verifyConsistency({ from: 0, to: 9, fromRoot: root, toRoot: root, hashes: [] })).toBe(false)
    expect(verifyConsistency({ from: 0, to: 9, fromRoot: EMPTY_ROOT, toRoot: root, hashes: [root] })).toBe(false)
    expect(verifyConsistency({ from: 0, to: 0, fromRoot: EMPTY_ROOT, toRoot: EMPTY_ROOT, hashes: [] })).toBe(true)
    expect(verifyConsistency({ from: 0, to: 0, fromRoot: root, toRoot: root, hashes: [] })).toBe(false)
  })
})

test.each([
  [-1, 5],
  [5, 4],
  [0.5, 5],
  [5, 5.5],
  [0, 2 ** 53],
])('there is no proof from %d to %d', (from, to) => {
  expect(() => consistencyProof(from, to, log.node)).toThrow(RangeError)
  const claim = { from, to, fromRoot: EMPTY_ROOT, toRoot: EMPTY_ROOT, hashes: [] }
  expect(verifyConsistency(claim)).toBe(false)
})

describe('large trees', () => {
  /** A log of equal leaves: every complete subtree of one level has one hash, so that any size can be made up. */
  const levels = [leafHash(utf8ToBytes('same'))]
  for (let level = 1; level <= 52; level++) {
    const below = levels[level - 1] ?? EMPTY_ROOT
    levels.push(nodeHash(below, below))
  }
  const node = (level: number) => levels[level] ?? EMPTY_ROOT
  const rootOf = (size: number) => rootOfFrontier(frontierCoords(size).map(({ level }) => node(level)))
  const anySize = fc.oneof(
    fc.integer({ min: 1, max: 5000 }),
    fc.maxSafeNat().map((n) => Math.max(n, 1)),
    fc.integer({ min: 30, max: 52 }).map((n) => 2 ** n),
    fc.integer({ min: 30, max: 53 }).map((n) => 2 ** n - 1),
  )

  test('inclusion verifies at sizes up to 2^53 - 1', () => {
    fc.assert(
      fc.property(anySize, fc.maxSafeNat(), fc.nat(255), (size, pick, bit) => {
        const index = pick % size
        const hashes = inclusionProof(index, size, node)
        const claim = { leafHash: node(0), index, size, root: rootOf(size), hashes }
        expect(verifyInclusion(claim)).toBe(true)
        expect(verifyInclusion({ ...claim, root: flipped(claim.root, bit) })).toBe(false)
        expect(verifyInclusion({ ...claim, hashes: [...hashes, EMPTY_ROOT] })).toBe(false)
        expect(inclusionCoords(index, size).every((coord) => (coord.index + 1) * 2 ** coord.level <= size)).toBe(true)
      }),
    )
  })

  test('consistency verifies at sizes up to 2^53 - 1', () => {
    fc.assert(
      fc.property(anySize, fc.maxSafeNat(), fc.nat(255), (to, pick, bit) => {
        const from = pick % (to + 1)
        const hashes = consistencyProof(from, to, node)
        const claim = { from, to, fromRoot: rootOf(from), toRoot: rootOf(to), hashes }
        expect(verifyConsistency(claim)).toBe(true)
        expect(verifyConsistency({ ...claim, fromRoot: flipped(claim.fromRoot, bit) })).toBe(false)
        expect(verifyConsistency({ ...claim, hashes: [...hashes, EMPTY_ROOT] })).toBe(false)
        expect(consistencyCoords(from, to).every((coord) => (coord.index + 1) * 2 ** coord.level <= to)).toBe(true)
      }),
    )
  })

  test('growing past a 32-bit size keeps the root', () => {
    const size = 2 ** 40 + 5
    const frontier = frontierCoords(size).map(({ level }) => node(level))
    const grown = appendLeaves(size, frontier, [node(0), node(0), node(0)])
    expect(bytesToHex(grown.root)).toBe(bytesToHex(rootOf(size + 3)))
    expect(grown.nodes.at(-1)).toEqual({ level: 3, index: 2 ** 37, hash: node(3) })
  })
})
