/** The settings that make tests larger, or repeat one, are described where tests are, and no others are. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { files, ROOT } from './markdown.ts'

const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8')

test('STYLE.md describes each setting that a test reads, and what it names is read', () => {
  const tests = files.filter((file) => /^test\/.*\.ts$/.test(file) && !file.startsWith('test/replay/'))
  const read = tests.flatMap((file) => [...textOf(file).matchAll(/process\.env\.(EXO_\w+)/g)].map(([, name]) => name))
  const described = [...textOf('docs/STYLE.md').matchAll(/\bEXO_\w+/g)].map(([name]) => name)
  expect([...new Set(described)].sort()).toEqual([...new Set(read)].sort())
})
