/** Each word has one definition, in one place, and the architecture uses no list of its own. */
import { expect, test } from 'vitest'
import { documents, readDocument, tableRows } from './markdown.ts'

const words = tableRows(readDocument('docs/GLOSSARY.md'))
  .map(([word = '']) => /^\*\*(.+)\*\*$/.exec(word)?.[1]?.toLowerCase())
  .filter((word) => word !== undefined)

test('defines each word once, in the order of the alphabet', () => {
  expect(words.length).toBeGreaterThan(30)
  expect(words).toEqual([...new Set(words)].toSorted())
})

test('gives each word a meaning and the file of its shape', () => {
  const rows = tableRows(readDocument('docs/GLOSSARY.md')).slice(1)
  expect(rows.filter(([, meaning = '', where = '']) => !meaning.endsWith('.') || !/^`[^`]+`$/.test(where))).toEqual([])
})

test('is the list of words that the architecture names', () => {
  const { prose } = readDocument('docs/ARCHITECTURE.md')
  const [, section = ''] = /\n## Words\n([\s\S]*?)\n## /.exec(prose) ?? []
  const named = section
    .slice(section.indexOf(':') + 1)
    .replaceAll(/\s+/g, ' ')
    .replace(/\.\s*$/, '')
  expect(named.split(',').map((word) => word.trim())).toEqual(words)
})

test('is the only document that defines a word in bold', () => {
  const others = documents.filter(({ file }) => file !== 'docs/GLOSSARY.md')
  const defining = others.flatMap(({ file, prose }) =>
    [...prose.matchAll(/^\|? ?\*\*([\w -]+)\*\* ?[|:]/gm)]
      .filter((match) => words.includes((match[1] ?? '').toLowerCase()))
      .map((match) => `${file}: ${match[1]}`),
  )
  expect(defining).toEqual([])
})
