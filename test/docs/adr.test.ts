/** The shape of the decisions: names, numbers, sections, length; and that no library is without its line. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { documents, readDocument, ROOT, tableRows } from './markdown.ts'

const MAX_LINES = 60
const adrs = documents.filter(({ file }) => file.startsWith('docs/adr/'))

test('decisions are numbered from 0001 without gaps', () => {
  const numbers = adrs.map(({ file }) => /^docs\/adr\/(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1])
  expect(numbers).toEqual(adrs.map((_adr, index) => String(index + 1).padStart(4, '0')))
})

describe.each(adrs.map((adr) => [adr.file, adr] as const))('%s', (file, { text, prose }) => {
  test('has a title with its number, then context, decision and consequences', () => {
    const headings = [...prose.matchAll(/^(#+) (.+)$/gm)].map((match) => `${match[1]} ${match[2]}`)
    expect(headings[0]).toMatch(new RegExp(`^# ${file.slice(9, 13)} \\S`))
    expect(headings.slice(1)).toEqual(['## Context', '## Decision', '## Consequences'])
  })

  test(`has at most ${MAX_LINES} lines, and no date`, () => {
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(MAX_LINES)
    expect(text).not.toMatch(
      /\b20\d\d-\d\d-\d\d\b|\b(?:January|February|August|September|October|November|December) 20\d\d/,
    )
  })
})

test('every library of package.json has its line, and every line its library', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Record<string, object>
  const used = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
  const lines = tableRows(readDocument('docs/adr/0008-libraries.md')).slice(1)
  const named = lines.flatMap(([cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''))
  const covers = (name: string, library: string) =>
    name === library || (name.endsWith('/*') && library.startsWith(name.slice(0, -1)))
  expect(used.filter((library) => !named.some((name) => covers(name, library)))).toEqual([])
  expect(named.filter((name) => !used.some((library) => covers(name, library)))).toEqual([])
})
