/**
 * The same log, read by Go's `sumdb/tlog` and `sumdb/note`: implementations that share nothing with ours.
 * Without a Go toolchain, or without its one module at hand, the test is skipped and its name says why.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { afterAll, expect, test } from 'vitest'
import { toBase64 } from '../../../domain/base64.ts'
import {
  appendLeaves,
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  type Growth,
} from '../../../domain/log/merkle.ts'
import { checkpointBody, openNote, parseCheckpointBody } from '../../../domain/log/note.ts'
import { noteCases, signer } from './note-cases.ts'

const SIZE = 70
const folder = mkdtempSync(join(tmpdir(), 'exo-log-go-'))
const program = join(folder, 'log')
const built = spawnSync('go', ['build', '-mod=readonly', '-o', program, '.'], {
  cwd: join(import.meta.dirname, 'go'),
  encoding: 'utf8',
  timeout: 120_000,
})
const missing =
  built.error !== undefined
    ? 'no go on this machine'
    : built.status !== 0
      ? 'the go program cannot be built here'
      : null

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function question() {
  const entries = Array.from({ length: SIZE }, (_, i) => utf8ToBytes(`entry ${i}`))
  const nodes = new Map<string, Uint8Array>()
  const roots: Uint8Array[] = [EMPTY_ROOT]
  let tree: Growth = { size: 0, frontier: [], root: EMPTY_ROOT, nodes: [] }
  for (const entry of entries) {
    tree = appendLeaves(tree.size, tree.frontier, [leafHash(entry)])
    for (const { level, index, hash } of tree.nodes) nodes.set(`${level}/${index}`, hash)
    roots.push(tree.root)
  }
  const node = (level: number, index: number) => nodes.get(`${level}/${index}`) ?? EMPTY_ROOT
  const root = (size: number) => toBase64(roots[size] ?? EMPTY_ROOT)
  const sizes = Array.from({ length: SIZE }, (_, i) => i + 1)
  return {
    Entries: entries.map(toBase64),
    Roots: sizes.map(root),
    Inclusion: sizes.flatMap((size) =>
      Array.from({ length: size }, (_, index) => ({
        Index: index,
        Size: size,
        LeafHash: toBase64(node(0, index)),
        Root: root(size),
        Hashes: inclusionProof(index, size, node).map(toBase64),
      })),
    ),
    Consistency: sizes.flatMap((to) =>
      sizes
        .filter((from) => from <= to)
        .map((from) => ({
          From: from,
          To: to,
          FromRoot: root(from),
          ToRoot: root(to),
          Hashes: consistencyProof(from, to, node).map(toBase64),
        })),
    ),
    Notes: noteCases.map(({ text, fault, goOpens }) => ({
      Text: text,
      Body: text.slice(0, text.lastIndexOf('\n\n') + 1),
      VerifierKey: signer.verifierKey,
      Good: fault === 'none' || goOpens === true,
    })),
    Sign: { Name: 'go.example/log', Body: checkpointBody({ origin: 'go.example/log', size: SIZE, root: tree.root }) },
  }
}

test.skipIf(missing !== null)(
  `Go accepts our roots, proofs and notes, and we open its note${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const asked = question()
    const run = spawnSync(program, { input: JSON.stringify(asked), encoding: 'utf8', maxBuffer: 1 << 26 })
    expect(run.stderr).toBe('')
    const answer: { Checked: number; Wrong: string[]; Note: string; VerifierKey: string } = JSON.parse(run.stdout)
    expect(answer.Wrong).toEqual([])
    expect(answer.Checked).toBe(SIZE + 2 * (asked.Inclusion.length + asked.Consistency.length) + noteCases.length + 1)
    const opened = openNote(answer.Note, [answer.VerifierKey])
    expect(opened.signers).toEqual(['go.example/log'])
    expect(parseCheckpointBody(opened.body).size).toBe(SIZE)
  },
)
