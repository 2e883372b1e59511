/** Origins that effects may reach, spelled in one way: what is not written exactly so is another origin. */
import { ExoError } from '../domain/errors.ts'
import { parseUrl, type Url } from '../domain/url.ts'

/** The URL of a target in its one spelling. Throws `egress.target_forbidden`, before anybody is asked. */
export function readTarget(text: string | null): Url {
  const refuse = (reason: string) => new ExoError('egress.target_forbidden', undefined, { reason })
  if (text === null) throw refuse('a target is due')
  const url = text.length > 2048 ? null : parseUrl(text)
  if (url === null) throw refuse('not an absolute URL')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('neither https nor http')
  if (url.username !== '' || url.password !== '') throw refuse('carries credentials')
  if (url.hash !== '' || text.endsWith('#')) throw refuse('carries a fragment')
  return url
}

/** Whether an origin is written as URLs print it: lower case, no default port, no path, no dot at the end. */
export function isExactOrigin(origin: string): boolean {
  const url = parseUrl(origin)
  const isName = url !== null && /^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/.test(url.hostname)
  return isName && url.origin === origin && /^https?:/.test(origin)
}
