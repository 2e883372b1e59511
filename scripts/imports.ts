/** Every import of a file, with its line: static, re-exporting, dynamic, `require`, and reference directives. */
import { lineOf } from './checkout.ts'
import { maskSource } from './source-text.ts'

export interface Import {
  /** The module as written; null when it is computed. */
  specifier: string | null
  /** Gone when types are stripped. `import { type A }` is not: its module is still loaded. */
  typeOnly: boolean
  line: number
}

const WORD = '[\\p{ID_Continue}$]+'
const BINDINGS = `(?:${WORD}\\s*,?\\s*)?(?:\\*\\s*as\\s+${WORD}\\s*|\\{[^}]*\\}\\s*)?`
const STATIC = new RegExp(
  `(?<![.$\\p{ID_Continue}])import\\b\\s*(type\\b\\s*(?!from\\s*["']|,))?${BINDINGS}from\\s*(?=["'])`,
  'gu',
)
const RE_EXPORT = new RegExp(
  `(?<![.$\\p{ID_Continue}])export\\b\\s*(type\\b\\s*)?(?:\\*\\s*(?:as\\s+${WORD}\\s*)?|\\{[^}]*\\}\\s*)from\\s*(?=["'])`,
  'gu',
)
const BARE = /(?<![.$\p{ID_Continue}])import\s*(?=["'])/gu
const CALL = /(?<![.$\p{ID_Continue}])(?:import|require)\s*\(\s*/gu
const REFERENCE = /^\/\/\/\s*<reference\s+(?:types|path)\s*=\s*["']([^"']+)["']/

export function findImports(text: string): Import[] {
  const { code, comments } = maskSource(text)
  const found: Import[] = []
  for (const [pattern, typed] of [
    [STATIC, true],
    [RE_EXPORT, true],
    [BARE, false],
    [CALL, false],
  ] as const)
    for (const match of code.matchAll(pattern)) {
      const at = match.index + match[0].length
      const line = lineOf(text, match.index)
      found.push({ specifier: literalAt(text, code, at), typeOnly: typed && match[1] !== undefined, line })
    }
  for (const comment of comments) {
    const [, specifier] = REFERENCE.exec(comment) ?? []
    if (specifier !== undefined) found.push({ specifier, typeOnly: true, line: lineOf(text, text.indexOf(comment)) })
  }
  return found.sort((a, b) => a.line - b.line)
}

/** The string literal that begins at an offset, or null when something else does. */
function literalAt(text: string, code: string, at: number): string | null {
  const quote = code.charAt(at)
  if (quote !== '"' && quote !== "'" && quote !== '`') return null
  const end = code.indexOf(quote, at + 1)
  const inside = text.slice(at + 1, end)
  return end < 0 || (quote === '`' && inside.includes('${')) ? null : inside
}
