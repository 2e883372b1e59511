/** A preview is hashed, so it must be I-JSON wherever it is cut: half a character would leave nothing to show and to sign. */
import { expect, test } from 'vitest'
import { batchPreview } from '../../actions/batch.ts'
import { noteAppend } from '../../actions/note-append.ts'
import { noteRemove } from '../../actions/note-remove.ts'
import { noteRestore } from '../../actions/note-restore.ts'
import { httpPost } from '../../actions/http-post.ts'
import { objectPut } from '../../actions/object-put.ts'
import { policyDiff } from '../../actions/policy-diff.ts'
import { canonicalJson, type JsonObject } from '../../domain/canonical.ts'
import { sha256TextHex } from '../../domain/hash.ts'
import { LIMITS } from '../../domain/limits.ts'

/** Pairs of which one is cut in two wherever a cut falls: one text has them at even places, the other at odd ones. */
const cutAnywhere = ['', 'x'].map((first) => first + '😀'.repeat(7_000))
const target = 'https://example.com/v1/orders?confirm=1'
const listed = { origin: 'https://example.com', methods: ['POST'], idempotency_header: null }

test.each(cutAnywhere)('long texts are cut between characters', (text) => {
  const notes = Array.from({ length: 4 }, () => ({ notebook: 'n', text: text.slice(0, 8_001).toWellFormed() }))
  for (const shown of [
    objectPut.preview({ name: 'a.txt', text }, null, null),
    httpPost.preview({ body: { text } }, listed, target),
    batchPreview(noteAppend, { items: notes }, []),
  ]) {
    expect(canonicalJson(shown)).toContain('…')
    expect(canonicalJson(shown)).toContain('😀')
  }
})

test.each(cutAnywhere)('so are the rows of a control document, a few and many', (text) => {
  const name = text.slice(0, 1_001).toWellFormed()
  const licences = (many: number): JsonObject => ({
    license_types: Array.from({ length: many }, (_, i) => ({ code: `code_${i}`, name })),
  })
  for (const many of [1, 200]) {
    const shown = policyDiff({}, licences(many))
    expect(shown.length).toBeGreaterThan(0)
    expect(canonicalJson(shown)).toContain('😀')
  }
})

test.each(['\u0001', '中'])(
  'notes of nothing but %j are shown within the bound of a preview, with their digest',
  (character) => {
    const text = character.repeat(16_384)
    const labels = { l: '中'.repeat(4_000) }
    const view = { notebook: 'n'.repeat(64), text }
    for (const shown of [
      noteAppend.preview({ notebook: 'n'.repeat(64), text, labels }, null, null),
      noteRemove.preview({ note_id: 'n_1' }, view, null),
      noteRestore.preview({ note_id: 'n_1' }, view, null),
    ]) {
      expect(Buffer.byteLength(canonicalJson(shown))).toBeLessThan(LIMITS.previewBytes)
      expect(shown.fields).toContainEqual({ label: 'SHA-256 of the whole text', value: sha256TextHex(text) })
    }
    expect(noteAppend.input.safeParse({ notebook: 'n', text, labels }).success).toBe(true)
  },
)

test('what fits is shown whole', () => {
  const text = 'x'.repeat(16_384)
  const shown = noteAppend.preview({ notebook: 'n', text, labels: { l: '中'.repeat(4_000) } }, null, null)
  expect(shown.fields).toContainEqual({ label: 'text', value: text })
  expect(Buffer.byteLength(canonicalJson(shown))).toBeLessThan(LIMITS.previewBytes)
})

test('people see where a request goes, path and query too', () => {
  for (const view of [listed, null])
    expect(httpPost.preview({ body: {} }, view, target).fields[0]).toEqual({ label: 'target', value: target })
})
