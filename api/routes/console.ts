/** The operators' pages: open like `/docs`, since they hold nothing. Whoever uses them brings a credential of their own. */
import { z } from '@hono/zod-openapi'
import { CONSOLE_FILES, CONSOLE_HEADERS, CONSOLE_PAGE } from '../console-files.ts'
import { addRoute, type App } from '../route.ts'

export function consoleRoutes(app: App): void {
  // The bare address is what a start prints, and what people type.
  for (const [path, page] of [
    ['/', '/console'],
    ['/console', CONSOLE_PAGE],
  ] as const)
    addRoute(
      app,
      {
        method: 'get',
        path,
        kind: 'open',
        summary: "To the operators' page",
        answers: { 302: { description: 'To the page.', headers: { Location: z.string() } } },
      },
      (c) => c.redirect(page, 302),
    )
  for (const [path, { file, type }] of Object.entries(CONSOLE_FILES))
    addRoute(
      app,
      {
        method: 'get',
        path,
        kind: 'open',
        summary: "Operators' own keys, for people",
        ...(path === CONSOLE_PAGE ? {} : { partOfPage: true }),
        answers: { 200: { description: 'A file.', type: type.split(';')[0] ?? type } },
      },
      (c) => c.body(c.get('ports').console.get(file) ?? '', 200, { ...CONSOLE_HEADERS, 'Content-Type': type }),
    )
}
