/** Answers held against the document: what a route answered well, by the schema that `/openapi.json` is made of. */
import { expect } from 'vitest'
import { ANSWERS } from '../../api/answers.ts'

/** `route` as the document names it, such as `get /policy`; a query after it is not looked at. */
export function expectDescribed(route: string, body: unknown): void {
  const [name = ''] = route.split('?')
  const good = ANSWERS[name]?.good
  expect(good, `${name} stands in the document`).toBeDefined()
  expect([route, good?.safeParse(body).error?.issues]).toEqual([route, undefined])
}
