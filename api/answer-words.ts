/** The words that the shapes of answers are made of. */
import { z } from '@hono/zod-openapi'

export const text = z.string()
export const hash = z.string().regex(/^[0-9a-f]{64}$/)
export const maybe = text.nullable()
export const texts = z.array(text)
export const decimal = z.string().regex(/^-?\d+(\.\d+)?$/)
export const instant = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
export const maybeInstant = instant.nullable()
export const kind = z.enum(['agent', 'service', 'user'])
export const state = z.enum(['running', 'stopped'])
export const scope = z.enum(['global', 'tenant'])
