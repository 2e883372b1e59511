/** The tables of the documents say what the tables of the code say. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { files, readDocument, ROOT, tableRows, codeBlocks } from './markdown.ts'
import { ACTIONS } from '../../actions/registry.ts'
import { roleNames } from '../../bin/stack/types.ts'
import { GATES } from '../../domain/errors.ts'
import { isFinal, STATUSES } from '../../domain/lifecycle.ts'
import { coversFile, LAYERS } from '../../scripts/layers.ts'

const architecture = readDocument('docs/ARCHITECTURE.md')
const readme = readDocument('README.md')
const quoted = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')

/** Whether a text of the code, values filled into its holes, could be this line. */
function couldPrint(text: string, line: string): boolean {
  const [first = '', ...rest] = text.split(/\$\{[^}]*\}/)
  if (rest.length === 0) return text === line
  let at = first.length
  for (const part of rest) {
    const found = line.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return line.startsWith(first) && line.endsWith(rest.at(-1) ?? '')
}

describe('docs/ARCHITECTURE.md', () => {
  const layers = Object.entries(LAYERS).filter(([name]) => files.some((file) => file.startsWith(`${name}/`)))

  test.each(layers)('says who %s may import, as scripts/layers.ts does', (name, { imports, types = [] }) => {
    const row = tableRows(architecture).find(([cell]) => cell === `\`${name}\``)
    const named = (entries: readonly string[]) =>
      entries
        .filter((entry) => files.some((file) => coversFile(entry, file)))
        .map((entry) => `\`${entry}\``)
        .join(' ')
    const expected = imports.length === 0 ? 'nothing' : imports.includes('*') ? 'everything' : named(imports)
    expect(row?.slice(2)).toEqual([expected, named(types)])
  })

  test('lists the gates in their order', () => {
    const [, list = ''] = /runs in this order[^:]*: ([\s\S]*?)\./.exec(architecture.prose) ?? []
    expect(quoted(list)).toEqual([...GATES])
  })

  test('lists the statuses, those on the way and the final ones', () => {
    const [, going = '', final = ''] =
      /Statuses on the way are ([\s\S]*?);[\s\S]*?Final are ([\s\S]*?)\. A\n/.exec(architecture.prose) ?? []
    expect(quoted(going)).toEqual(STATUSES.filter((status) => !isFinal(status)))
    expect(quoted(final)).toEqual(STATUSES.filter(isFinal))
  })

  test('lists the groups of checks of the verifier', () => {
    const sources = files
      .filter((file) => file.startsWith('verify/'))
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    const groups = new Set(
      [...sources.join('\n').matchAll(/\bname(?: =|:) '([a-z]+)\.[a-z_]+'/g)].map((match) => match[1] ?? ''),
    )
    const rows = tableRows(architecture).slice(tableRows(architecture).findIndex(([cell]) => cell === 'checks') + 1)
    expect(
      rows
        .slice(0, groups.size)
        .flatMap(([cell = '']) => quoted(cell))
        .toSorted(),
    ).toEqual([...groups].toSorted())
  })

  test('says what every database role may do', () => {
    const rows = tableRows(architecture).slice(tableRows(architecture).findIndex(([cell]) => cell === 'role') + 1)
    expect(rows.slice(0, roleNames.length).map(([cell = '']) => cell)).toEqual(roleNames.map((role) => `\`${role}\``))
  })
})

describe('README.md', () => {
  test('quotes lines that the demo prints', () => {
    const [block = ''] = codeBlocks(readme, 'text')
    const demo = files
      .filter((file) => file.startsWith('bin/demo/'))
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    const texts = [...demo.join('\n').matchAll(/'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`/g)].map(
      (match) => match[1] ?? match[2] ?? match[3] ?? '',
    )
    const lines = block
      .trimEnd()
      .split('\n')
      .map((line) => line.replace('✓', '').trim())
    expect(lines.length).toBeGreaterThan(8)
    expect(lines.filter((line) => !texts.some((text) => couldPrint(text, line)))).toEqual([])
  })

  test('names the effect kinds of the registry and no other', () => {
    const kinds = new Set(
      [...ACTIONS.values()].flatMap((action): string[] => {
        if (!('effect' in action)) return []
        const { effect } = action
        return 'kinds' in effect && effect.kinds !== undefined ? [...effect.kinds] : [effect.kind]
      }),
    )
    const rows = tableRows(readme)
    const from = rows.findIndex(([cell]) => cell === 'effect kind') + 1
    expect(rows.slice(from, from + kinds.size).map(([cell]) => cell)).toEqual([...kinds])
    expect(rows[from + kinds.size]?.[0]).toBe('folder')
  })

  test('says what every folder of the tree is', () => {
    const cells = tableRows(readme)
      .flatMap(([cell = '']) => quoted(cell))
      .filter((cell) => cell.endsWith('/'))
    const folders = new Set(
      files.filter((file) => /^[a-z]+\//.test(file)).map((file) => file.slice(0, file.indexOf('/') + 1)),
    )
    expect(cells.toSorted()).toEqual([...folders].toSorted())
  })
})
