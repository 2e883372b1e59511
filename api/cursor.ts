/** Cursors: opaque, sealed to tenant and query. One that was altered, or comes from elsewhere, is gone (410). */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Ctx } from './request.ts'
import type { JsonObject } from '../domain/canonical.ts'
import { ExoError, type ErrorCode } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'

type CursorDomain =
  Extract<ErrorCode, `${string}.cursor_invalid`> extends `${infer Domain}.cursor_invalid` ? Domain : never

export class Cursors {
  readonly #secret: string
  readonly #domain: CursorDomain
  constructor(secret: string, domain: CursorDomain) {
    this.#secret = secret
    this.#domain = domain
  }

  seal(tenantId: string, query: string, position: string): string {
    return `${Buffer.from(position).toString('base64url')}.${this.#mac(tenantId, query, position).toString('base64url')}`
  }

  open(tenantId: string, query: string, cursor: string | undefined): string | null {
    if (cursor === undefined || cursor === '') return null
    const [body = '', mac = '', ...more] = cursor.split('.')
    const position = Buffer.from(body, 'base64url').toString()
    const given = Buffer.from(mac, 'base64url')
    const due = this.#mac(tenantId, query, position)
    if (more.length > 0 || given.length !== due.length || !timingSafeEqual(given, due))
      throw new ExoError(`${this.#domain}.cursor_invalid`)
    return position
  }

  #mac(tenantId: string, query: string, position: string): Buffer {
    const text = JSON.stringify(['cursor', this.#domain, tenantId, query, position])
    return createHmac('sha256', this.#secret).update(text).digest().subarray(0, 16)
  }
}

/** `limit` of a list, 1 to 200, default 50. */
export function readLimit(text: string | undefined): number {
  if (text === undefined) return LIMITS.listItems.default
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > LIMITS.listItems.max)
    throw new ExoError('validation.error', undefined, {
      errors: [{ path: '/query/limit', message: `an integer from 1 to ${LIMITS.listItems.max}` }],
    })
  return limit
}

/** One page of a list, newest first: one row more than asked for tells whether there is another. */
export async function pageOf(
  c: Ctx,
  query: { cursor?: string | undefined; limit?: string | undefined },
  sealed: string,
  read: (before: string | null, limit: number) => Promise<{ ordinal: string; item: JsonObject }[]>,
): Promise<{ items: JsonObject[]; next_cursor: string | null }> {
  const { tenant_id } = c.get('caller')
  const cursors = new Cursors(c.get('ports').secret, 'controls')
  const limit = readLimit(query.limit)
  const rows = await read(cursors.open(tenant_id, sealed, query.cursor), limit + 1)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const more = rows.length > limit && last !== undefined
  return {
    items: page.map(({ item }) => item),
    next_cursor: more ? cursors.seal(tenant_id, sealed, last.ordinal) : null,
  }
}
