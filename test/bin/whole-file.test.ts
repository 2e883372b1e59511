import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeWhole } from '../../bin/whole-file.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'exo-whole-'))
})
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

describe('a file that is whole or not there', () => {
  test('may be written by many at once, and is whole, alone and this user’s', async () => {
    const path = join(dir, 'bundle.js')
    const texts = Array.from({ length: 20 }, (_, i) => `${i} `.repeat(50_000))
    await Promise.all(texts.map((text) => writeWhole(path, text)))
    expect(texts).toContain(await readFile(path, 'utf8'))
    expect(await readdir(dir)).toEqual(['bundle.js'])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('leaves nothing behind where it cannot be put', async () => {
    const path = join(dir, 'bundle.js')
    await expect(writeWhole(join(path, 'below'), 'x')).rejects.toThrow(/ENOTDIR/)
    expect(await readdir(dir)).toEqual(['bundle.js'])
  })
})
