/**
 * A route's entry in the OpenAPI document, from the schemas that validate and the table of answers. Every route tells the
 * same refusals, since every one of them passes the same middleware.
 */
import { type RouteConfig, z } from '@hono/zod-openapi'
import { ANSWERS } from './answers.ts'
import { operation } from './operation-schemas.ts'
import { headersOfRefusal, headersRead, headersSent, takesKey } from './route-headers.ts'
import type { App, Declared } from './route.ts'
import { errorEnvelope, resource } from './schemas.ts'

const ALL_REFUSALS = [400, 401, 403, 404, 405, 409, 410, 413, 415, 429, 500, 502, 503, 504]
/** Those that need no credential. */
const OPEN_REFUSALS = [400, 404, 405, 429, 500, 503]
/** In paths: anything else is as absent as an id that nobody has. */
const PARAMETER = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)

/** A number as the query writes it. */
const LIMIT = z
  .string()
  .regex(/^([1-9]\d?|1\d\d|200)$/)
  .optional()

const refused = (status: number) => ({
  description: 'Refused; the envelope says why.',
  headers: headersOfRefusal(status),
  content: { 'application/problem+json': { schema: errorEnvelope } },
})

export function documentRoute(app: App, declared: Declared<z.ZodType, z.ZodType>): void {
  const { method, path, kind, summary, body, query } = declared
  const open = kind === 'open'
  const answers = answersOf(declared)
  const refusals = (open ? OPEN_REFUSALS : ALL_REFUSALS).filter((status) => !(status in answers))
  const example = ANSWERS[`${method} ${path}`]?.example
  app.openAPIRegistry.registerPath({
    method,
    path,
    summary,
    operationId: `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, '_').replace(/_$/, '')}`,
    description: `Kind: ${kind}.`,
    // The same for who lays it out in a column of its own.
    'x-kind': kind,
    tags: [path.split('/')[1] || 'console'],
    ...(open ? {} : { security: [{ bearer: [] }] }),
    request: {
      ...paramsOf(path),
      ...(query === undefined ? {} : { query: queryOf(query as z.ZodObject) }),
      ...(open || path === '/auth/me' ? {} : { headers: headersRead(declared) }),
      ...(body === undefined
        ? {}
        : {
            body: {
              required: true,
              content: { 'application/json': { schema: body, ...(example === undefined ? {} : { example }) } },
            },
          }),
    },
    responses: { ...answers, ...Object.fromEntries(refusals.map((status) => [status, refused(status)])) },
  } as RouteConfig)
}

type Described = NonNullable<Declared<z.ZodType, z.ZodType>['answers']>

/** The good answers; a repeated key answers 200 wherever one is taken. */
function answersOf(declared: Declared<z.ZodType, z.ZodType>): RouteConfig['responses'] {
  const { method, path, answers } = declared
  const known = ANSWERS[`${method} ${path}`]
  const given: Described = answers ?? { 200: { description: 'The resource.' } }
  const repeated: Described = takesKey(declared) ? { 200: { description: 'Done, or done before under this key.' } } : {}
  return Object.fromEntries(
    Object.entries({ ...repeated, ...given }).map(
      ([status, { description, schema, type = 'application/json', headers }]) => {
        const shape = status === '202' ? (known?.later ?? operation) : (known?.good ?? schema ?? resource)
        const json = { 'application/json': { schema: shape } }
        const content =
          status === '202' || type === 'application/json'
            ? json
            : { [type]: { schema: z.string() }, ...(type === 'text/event-stream' ? json : {}) }
        const answer = { description, headers: headersSent(declared, status, headers) }
        return [status, status.startsWith('3') ? answer : { ...answer, content }]
      },
    ),
  )
}

function paramsOf(path: string): { params?: z.ZodObject } {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
  return names.length === 0 ? {} : { params: z.object(Object.fromEntries(names.map((name) => [name, PARAMETER]))) }
}

const queryOf = (query: z.ZodObject): z.ZodObject => ('limit' in query.shape ? query.extend({ limit: LIMIT }) : query)
