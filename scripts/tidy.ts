/**
 * Keeps the tree readable as its own index: what may lie at the root, how files are called, how long they grow, and a few
 * words and constructions that never stay. Each rule is one entry below and has a planted violation in its test.
 *
 * Rules about code look at code only, not at comments or texts; rules about words and paths look at everything.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { lineOf, listFiles, type Problem } from './checkout.ts'
import { findLockProblems } from './lock-file.ts'
import { maskSource } from './source-text.ts'

const ROOT_FILE =
  /^(?:\..+|package\.json|package-lock\.json|tsconfig.*\.json|docker-compose\.yml|README\.md|LICENSE|THIRD_PARTY.*|SECURITY\.md|CHANGELOG\.md|vitest.*|biome\.json|knip\.json)$/
const ROOT_FOLDERS = new Set(
  'domain actions engines workflows activities stores api verify console cli bin test models artifacts docs scripts tools deploy'.split(
    ' ',
  ),
)
const MAX_LINES = 300
const CODE = /\.(?:ts|tsx|mts|mjs|js)$/
const NAMED = /\.(?:ts|tsx|mts|mjs|js|css|html|sh)$/
const COUNTED = /\.(?:ts|tsx|mts|mjs|js|css|sh|sql|go)$/
const KEBAB = /^[a-z0-9]+(?:[-.][a-z0-9]+)*$/
const BINARY = /\.(?:png|jpe?g|gif|ico|webp|woff2?|ttf|zip|gz|br|wasm|pdf|bin)$/
const BANNED_NAMES = new Set(
  'util utils helper helpers manager managers service services misc new final old'.split(' '),
)
const PURE = /^(?:domain|actions|workflows)\//

const isTest = (file: string) => file.startsWith('test/')
/** Copied in as they are, by digest or by name: recorded histories and the code that made them. */
const isKept = (file: string) => /^test\/replay\/(?:histories|code)\//.test(file)

interface TextRule {
  what: string
  pattern: RegExp
  /** Every text file when absent. */
  files?: (file: string) => boolean
  /** Looks at code with comments and texts blanked. */
  codeOnly?: true
  /** Forgives a place whose full text matches. */
  unless?: RegExp
}

const isCode = (file: string) => CODE.test(file)
const isPure = (file: string) => isCode(file) && PURE.test(file)

// The classes of one letter keep these patterns from finding themselves.
const TEXT_RULES: readonly TextRule[] = [
  { what: 'a note of unfinished work', pattern: /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/g },
  { what: 'a path of one machine', pattern: /(?:^|[^\w.])\/(?:wor[k]|roo[t]|hom[e]\/\w+|User[s]\/\w+)\//gm },
  { what: 'a type check switched off', pattern: /@ts-(?:ignor[e]|nochec[k])/g },
  { what: 'a test that keeps others from running', pattern: /\.only\s*\(/g, files: isCode, codeOnly: true },
  { what: 'a cast to any', pattern: /\bas\s+any\b/g, files: isCode, codeOnly: true },
  {
    // A comment inside says why there is nothing to do.
    what: 'an empty catch',
    pattern: /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/g,
    files: isCode,
    codeOnly: true,
    unless: /\/[/*]/,
  },
  {
    what: 'a clock or randomness in pure code',
    pattern:
      /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|(?![\s(\w]))|\bMath\s*\.\s*random\b|\brandomUUID\b|\bgetRandomValues\b|\bperformance\s*\.\s*now\b/g,
    files: isPure,
    codeOnly: true,
  },
]

export function findTidyProblems(root: string): Problem[] {
  const files = listFiles(root)
  return [
    ...findStrays(files),
    ...files.filter((file) => !isKept(file)).flatMap(nameProblems),
    ...files.filter((file) => !BINARY.test(file) && !isKept(file)).flatMap((file) => textProblems(root, file)),
    ...(existsSync(join(root, 'package-lock.json')) ? findLockProblems(root) : []),
  ]
}

function findStrays(files: readonly string[]): Problem[] {
  const tops = new Set(files.map((file) => (file.includes('/') ? `${file.slice(0, file.indexOf('/'))}/` : file)))
  return [...tops]
    .filter(
      (top) => !top.startsWith('.') && (top.endsWith('/') ? !ROOT_FOLDERS.has(top.slice(0, -1)) : !ROOT_FILE.test(top)),
    )
    .map((file) => ({ file, message: 'does not belong at the root' }))
}

function nameProblems(file: string): Problem[] {
  if (!NAMED.test(file)) return []
  const problems: Problem[] = []
  const name = basename(file)
  if (!KEBAB.test(name)) problems.push({ file, message: 'is not named in kebab-case' })
  const banned = name.split(/[-.]/).find((word) => BANNED_NAMES.has(word) || /^v\d+$/.test(word))
  if (banned !== undefined) problems.push({ file, message: `has a name that says nothing: ${banned}` })
  return problems
}

function textProblems(root: string, file: string): Problem[] {
  const text = readFileSync(join(root, file), 'utf8')
  const problems: Problem[] = []
  if (COUNTED.test(file) && !isTest(file) && lineOf(text.trimEnd(), text.length) > MAX_LINES)
    problems.push({ file, message: `has more than ${MAX_LINES} lines` })
  if (file.endsWith('.ts') && !isTest(file) && !/^(?:#!.*\n)?\/\*\*/.test(text))
    problems.push({ file, message: 'does not begin with a comment that says what it is for' })
  let code: string | undefined
  for (const { what, pattern, files, codeOnly, unless } of TEXT_RULES) {
    if (files !== undefined && !files(file)) continue
    if (codeOnly) code ??= maskSource(text).code
    for (const { 0: found, index } of (codeOnly && code !== undefined ? code : text).matchAll(pattern))
      if (!unless?.test(text.slice(index, index + found.length)))
        problems.push({ file, line: lineOf(text, index), message: `holds ${what}` })
  }
  return problems
}
