/** What documents name exists: files, npm scripts, commands of `exo`, and words of the code. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeProgram } from '../../cli/program.ts'
import { codeBlocks, documents, files, inlineCode, ROOT, sourceText } from './markdown.ts'

const source = sourceText()
const scripts = Object.keys(
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }).scripts,
)
const tops = new Set(files.filter((file) => file.includes('/')).map((file) => file.slice(0, file.indexOf('/'))))

/** The commands of `exo`, each with the commands under it. */
const program = makeProgram({ version: '', run: () => async () => {}, print: () => {}, complain: () => {} })
const commands = new Map(program.commands.map((each) => [each.name(), each.commands.map((part) => part.name())]))

/** Files that a reader is asked to make, with a part of the name left open. */
const isPattern = (path: string) => /[<>{}…*]|NNNN/.test(path)

/** A path from the root: it begins with a folder that is there, or is a file at the root. */
function isPath(code: string): boolean {
  return /^[\w.<>{}*-]+(?:\/[\w.<>{}*-]*)+$/.test(code) && tops.has(code.slice(0, code.indexOf('/')))
}

function pathExists(path: string): boolean {
  return files.some((file) => file === path || file.startsWith(path.endsWith('/') ? path : `${path}/`))
}

/** One word of code: a name with capitals, underscores, dots or a known form, and no prose. */
const isName = (code: string) =>
  /^\.?[A-Za-z][\w.-]*$/.test(code) && !tops.has(code) && !files.includes(code) && !isPattern(code)

describe.each(documents.map((document) => [document.file, document] as const))('%s', (_file, document) => {
  const codes = [...new Set(inlineCode(document))]

  test('names files that exist', () => {
    expect(codes.filter((code) => isPath(code) && !isPattern(code) && !pathExists(code))).toEqual([])
  })

  test('names npm scripts that exist', () => {
    const named = [...document.text.matchAll(/\bnpm (?:run )?([a-z]+)/g)].map((match) => match[1] ?? '')
    expect(
      named.filter(
        (name) => !['ci', 'install', 'scripts', 'script', 'commands', 'or'].includes(name) && !scripts.includes(name),
      ),
    ).toEqual([])
  })

  test('names words that the code uses', () => {
    expect(codes.filter((code) => isName(code) && !source.includes(code))).toEqual([])
  })

  test('names commands of exo that exist', () => {
    const shell = codeBlocks(document, 'sh').join('\n')
    const named = [...[shell, ...codes].join('\n').matchAll(/(?:^|npx )exo ([a-z]+)(?: ([a-z]+)(?![\w.]))?/gm)]
    const unknown = named.filter(([, command = '', part]) => {
      const parts = commands.get(command)
      return parts === undefined || (parts.length > 0 && !parts.includes(part ?? ''))
    })
    expect(unknown.map(([text]) => text)).toEqual([])
  })
})
