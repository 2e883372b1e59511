/** The documents of the checkout and what they name: links, headings, tables, code. Knows only the Markdown they use. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles } from '../../scripts/checkout.ts'

export const ROOT = join(import.meta.dirname, '..', '..')

export interface Document {
  /** From the root. */
  file: string
  text: string
  /** The text without fenced code. */
  prose: string
}

export const files: readonly string[] = listFiles(ROOT)

export function readDocument(file: string): Document {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return { file, text, prose: text.replace(/^```[\s\S]*?^```$/gm, '') }
}

export const documents: readonly Document[] = files
  .filter((file) => file === 'README.md' || (file.startsWith('docs/') && file.endsWith('.md')))
  .map(readDocument)

/** The fenced code of a language, without its fences. */
export function codeBlocks({ text }: Document, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    (match) => match[1] ?? '',
  )
}

/** Inline code, without its quotes. */
export function inlineCode({ prose }: Document): string[] {
  return [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
}

/** The cells of every row of every table, header rows included. */
export function tableRows({ prose }: Document): string[][] {
  return prose
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[-|]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split('|')
        .map((cell) => cell.trim()),
    )
}

/** What a heading is linked by. */
export function anchors({ prose }: Document): string[] {
  return [...prose.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

/** Everything that is written outside documents and the tests of documents, for looking up words. */
export function sourceText(): string {
  return files
    .filter(
      (file) => /\.(?:ts|mjs|sql|json|yml|sh)$|^\.\w/.test(file) && !/^(?:docs|test\/docs|artifacts)\//.test(file),
    )
    .filter((file) => file !== 'package-lock.json')
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n')
}
