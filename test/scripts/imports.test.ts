import { describe, expect, test } from 'vitest'
import { findImports } from '../../scripts/imports.ts'
import { maskSource } from '../../scripts/source-text.ts'

const tick = '`'

describe('imports are found', () => {
  test.each<[string, string, string | null, boolean]>([
    ['default', "import a from './a.ts'", './a.ts', false],
    ['named', "import { a, b as c } from './a.ts'", './a.ts', false],
    ['both', "import a, { b } from './a.ts'", './a.ts', false],
    ['namespace', "import * as a from './a.ts'", './a.ts', false],
    ['over lines', "import {\n  a,\n  b,\n} from './a.ts'", './a.ts', false],
    ['without space', "import{a}from'./a.ts'", './a.ts', false],
    ['double quotes', 'import a from "./a.ts"', './a.ts', false],
    ['for its effect', "import './a.ts'", './a.ts', false],
    ['of types', "import type { A } from './a.ts'", './a.ts', true],
    ['of a default called type', "import type from './a.ts'", './a.ts', false],
    ['of one type among values, which still loads', "import { type A } from './a.ts'", './a.ts', false],
    ['passed on', "export { a } from './a.ts'", './a.ts', false],
    ['passed on whole', "export * from './a.ts'", './a.ts', false],
    ['passed on under a name', "export * as a from './a.ts'", './a.ts', false],
    ['types passed on', "export type { A } from './a.ts'", './a.ts', true],
    ['when it is needed', "const a = await import('./a.ts')", './a.ts', false],
    ['in a template without holes', `await import(${tick}./a.ts${tick})`, './a.ts', false],
    ['in a hole of a template', `const t = ${tick}x ${'${'}await import('./a.ts')} y${tick}`, './a.ts', false],
    ['inside a type', "let a: import('./a.ts').A", './a.ts', false],
    ['by require', "const a = require('./a.ts')", './a.ts', false],
    ['by reference', '/// <reference types="node" />', 'node', true],
    ['of a computed name', 'await import(name)', null, false],
    ['of a name with a hole', `await import(${tick}./${'${'}x}.ts${tick})`, null, false],
    ['after a comment with a quote', "// don't\nimport a from './a.ts'", './a.ts', false],
    ['after a regular expression with quotes', "x.replace(/[\"'/]/g, '')\nimport './a.ts'", './a.ts', false],
    ['after a division', "const q = a / b / c\nimport './a.ts'", './a.ts', false],
    ['after a returned regular expression', "const f = () => { return /'/ }\nimport './a.ts'", './a.ts', false],
    ['after an escaped quote', "const q = '\\''\nimport './a.ts'", './a.ts', false],
  ])('%s', (_what, text, specifier, typeOnly) => {
    expect(findImports(text).map((each) => [each.specifier, each.typeOnly])).toEqual([[specifier, typeOnly]])
  })

  test('each with its line', () => {
    const text = "/**\n * Doc\n */\nimport a from 'a'\n\nexport {\n  b,\n} from 'b'\n"
    expect(findImports(text).map((each) => [each.specifier, each.line])).toEqual([
      ['a', 4],
      ['b', 6],
    ])
  })
})

test.each([
  ['a line comment', "// import a from './a.ts'"],
  ['a block comment', "/* import a from './a.ts' */"],
  ['a string', '"import a from \'./a.ts\'"'],
  ['a template', `const t = ${tick}import a from './a.ts'${tick}`],
  ['a regular expression', "const r = /import '.'/"],
  ['a method called import', "loader.import('./a.ts')"],
  ['import.meta', 'import.meta.dirname'],
  ['an exported constant called from', "export const from = './a.ts'"],
  ['an export of its own', "export { a }\nconst b = './b.ts'"],
])('%s is no import', (_what, text) => {
  expect(findImports(text)).toEqual([])
})

test('masking keeps every offset and every line', () => {
  const text = `const a = 'x' // note\nconst b = ${tick}p ${'${'}a + 'q'} r${tick} /* and\nmore */ + /s'/.source\n`
  const { code, comments } = maskSource(text)
  expect(code).toHaveLength(text.length)
  expect(code.split('\n')).toHaveLength(text.split('\n').length)
  expect(code).toContain("const a = ' '")
  expect(code).toContain("a + ' '")
  expect(code).not.toMatch(/note|more|p |s'/)
  expect(comments).toEqual(['// note', '/* and\nmore */'])
})
