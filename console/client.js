/**
 * The one door from the page to the API. The credential stays in this object: it is in no address, no storage and no cookie,
 * and gone when the page is.
 */

/** What the API refused, in its own words, or that it did not answer. */
class Refused extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number | null} status Null where nobody answered.
   * @param {string | null} requestId
   * @param {Record<string, unknown>} details What the message speaks of by name.
   */
  constructor(code, message, status = null, requestId = null, details = {}) {
    super(message)
    this.code = code
    this.status = status
    this.requestId = requestId
    this.details = details
  }
}

/**
 * @typedef {{ id: string, role: string, permissions: string[] }} TenantOfMe
 * @typedef {{ principal: { id: string, kind: string, name: string }, tenants: TenantOfMe[], platform_role: string | null }} Me
 */

export class Client {
  #token
  #mode
  #project
  /** @type {string | null} */
  #tenant = null
  /** No platform credential names a tenant or a project. */
  #platform = false
  /** How far the API's clock is ahead of this machine's. */
  #aheadMs = 0

  /** @param {{ token: string, mode: string, project: string }} from */
  constructor({ token, mode, project }) {
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Refused('console.key', 'An API key is one word without spaces.')
    this.#token = token
    this.#mode = mode
    this.#project = project
  }

  /** Now, by the clock of the API. */
  nowMs() {
    return Date.now() + this.#aheadMs
  }

  /** @returns {Promise<Me>} */
  async me() {
    const me = await this.#send('GET', '/auth/me', {}, undefined)
    this.#platform = me.platform_role !== null
    return me
  }

  /** @param {string | null} tenant */
  choose(tenant) {
    this.#tenant = tenant
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {Record<string, string>} [headers]
   */
  async call(method, path, body, headers = {}) {
    const place = this.#platform
      ? {}
      : { 'X-Project-Id': this.#project, ...(this.#tenant === null ? {} : { 'X-Tenant-Id': this.#tenant }) }
    return await this.#send(method, path, { 'X-Mode': this.#mode, ...place, ...headers }, body)
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Record<string, string>} headers
   * @param {object | undefined} body
   * @returns {Promise<any>}
   */
  async #send(method, path, headers, body) {
    const json = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const response = await fetch(path, {
      method,
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(30_000),
      headers: { Authorization: `Bearer ${this.#token}`, ...headers, ...json },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((/** @type {Error} */ error) => {
      throw new Refused('console.unreachable', `The API does not answer: ${error.message}`)
    })
    const date = Date.parse(response.headers.get('date') ?? '')
    if (!Number.isNaN(date)) this.#aheadMs = date - Date.now()
    const answer = await response.json().catch(() => null)
    if (response.ok && answer !== null) return answer
    const error = answer?.error
    if (typeof error?.code === 'string')
      throw new Refused(
        error.code,
        String(error.message),
        response.status,
        error.request_id ?? null,
        error.details ?? {},
      )
    throw new Refused('console.answer', `The answer is not the API's: status ${response.status}.`)
  }
}
