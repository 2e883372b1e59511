/** A link of a document leads to a file that exists, and to a heading that is in it. */
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchors, type Document, documents, files } from './markdown.ts'

const LINK = /\]\(([^)\s]+)\)/g

/** What is wrong with a link, or null. */
function fault(from: Document, link: string): string | null {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? from.file : posix.normalize(posix.join(posix.dirname(from.file), path))
  const exists = files.some((file) => file === target || file.startsWith(target.endsWith('/') ? target : `${target}/`))
  if (!exists) return `${link} leads nowhere`
  if (anchor === undefined) return null
  const page = documents.find((document) => document.file === target)
  return page !== undefined && anchors(page).includes(anchor) ? null : `${link} names no heading`
}

describe('links', () => {
  test.each(documents.map((document) => [document.file, document] as const))(
    'of %s lead somewhere',
    (_file, document) => {
      const links = [...document.prose.matchAll(LINK)].map((match) => match[1] ?? '')
      expect(links.filter((link) => !/^https?:/.test(link)).flatMap((link) => fault(document, link) ?? [])).toEqual([])
    },
  )

  test('reach every document from README.md, directly or by its folder', () => {
    const reached = new Set(['README.md'])
    for (const file of reached) {
      const document = documents.find((each) => each.file === file)
      for (const [, link = ''] of document?.prose.matchAll(LINK) ?? []) {
        const target = posix.normalize(posix.join(posix.dirname(file), link.split('#')[0] ?? ''))
        for (const each of documents)
          if (each.file === target || each.file.startsWith(target.endsWith('/') ? target : `${target}/`))
            reached.add(each.file)
      }
    }
    expect(documents.map(({ file }) => file).filter((file) => !reached.has(file))).toEqual([])
  })
})
