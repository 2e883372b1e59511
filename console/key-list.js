/**
 * The operator's keys: what the API knows of them and what this browser holds, put together into lines, and what can be
 * done about each. Every change is the API's own: registering waits for another person, revoking does not.
 */
import { button, make, tell, when } from './elements.js'
import { forget, keep, keysOf, makeKey } from './key-store.js'

/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./key-store.js').KeptKey} KeptKey */
/**
 * @typedef {{ kid: string, principal_id: string, not_before: string, revoked_at: string | null }} Registered
 * @typedef {{ client: Client, tenant: string, principalId: string, reread: () => Promise<void>, askReason: (kid: string) => Promise<string | null> }} Session
 * @typedef {{ kid: string, state: string, tone: string, at: string, kept: KeptKey | null, operation: any }} Line
 */

/** The key is about to be listed, or may yet be; what was executed a moment ago is listed at the next look. */
const GOING = ['evaluating', 'pending_approval', 'executing', 'executed']

/**
 * @param {Session} session
 * @returns {Promise<Line[]>}
 */
export async function readLines({ client, tenant, principalId }) {
  const [{ items }, kept] = await Promise.all([client.call('GET', '/operator-keys'), keysOf(tenant, principalId)])
  const mine = /** @type {Registered[]} */ (items).filter((key) => key.principal_id === principalId)
  const here = new Map(kept.map((key) => [key.kid, key]))
  const registered = mine.map(({ kid, not_before, revoked_at }) => ({
    kid,
    state: revoked_at === null ? 'active' : 'revoked',
    tone: revoked_at === null ? 'good' : 'over',
    at: revoked_at ?? not_before,
    kept: here.get(kid) ?? null,
    operation: null,
  }))
  const known = new Set(mine.map(({ kid }) => kid))
  const others = kept.filter(({ kid }) => !known.has(kid)).map((key) => waitingLine(client, key))
  return [...(await Promise.all(others)), ...registered.toReversed()].sort((a, b) => rank(a) - rank(b))
}

/** @param {Line} line */
const rank = ({ state }) => (state === 'active' ? 0 : state === 'revoked' ? 2 : 1)

/**
 * @param {Client} client
 * @param {KeptKey} kept
 * @returns {Promise<Line>}
 */
async function waitingLine(client, kept) {
  const line = { kid: kept.kid, at: kept.made_at, kept }
  if (kept.operation_id === null) return { ...line, state: 'not registered', tone: 'waiting', operation: null }
  const operation = await client.call('GET', `/operations/${kept.operation_id}`).catch((error) => {
    // The deployment was set up anew, say: one such key must not hide the others.
    if (error.code === 'resource.not_found') return null
    throw error
  })
  if (operation === null) return { ...line, state: 'operation not found', tone: 'bad', operation: null }
  const tone = GOING.includes(operation.status) ? 'waiting' : 'bad'
  return { ...line, state: operation.status.replaceAll('_', ' '), tone, operation }
}

/** Whether something is on its way that a later look may find done. @param {Line[]} lines */
export const isWaiting = (lines) =>
  lines.some(({ operation }) => operation !== null && GOING.includes(operation.status))

/**
 * Makes a key and asks for its registration; `replaces` is revoked once it is active.
 * @param {Session} session
 * @param {string | null} replaces
 */
export async function register(session, replaces) {
  const key = await makeKey(session.tenant, session.principalId, replaces)
  await askFor(session, key)
}

/**
 * @param {Session} session
 * @param {KeptKey} key
 */
async function askFor(session, key) {
  try {
    // The key's own name: asked twice, it is one operation.
    const answer = await session.client.call(
      'POST',
      '/operator-keys',
      { public_jwk: key.public_jwk },
      { 'Idempotency-Key': `register-${key.kid}` },
    )
    if (typeof answer.status === 'string') await keep({ ...key, operation_id: answer.id })
    tell(
      typeof answer.status === 'string'
        ? `202: operation ${answer.id} is ${answer.status.replaceAll('_', ' ')}. Another person must approve it before the key counts.`
        : `The key ${key.kid} is registered.`,
    )
  } catch (error) {
    const { status = null } = /** @type {{ status?: number | null }} */ (error)
    // Refused, so nobody knows the key. Without an answer, or a clear one, it is kept and may be asked for again.
    if (status !== null && status < 500) await forget(key.kid)
    throw error
  } finally {
    await session.reread()
  }
}

/**
 * Ends rotations: the old key is revoked when the new one is active, and not before.
 * @param {Session} session
 * @param {Line[]} lines
 * @returns {Promise<boolean>} Whether anything changed.
 */
export async function finishRotations({ client }, lines) {
  let changed = false
  for (const { state, kept } of lines) {
    if (kept === null || kept.replaces === null || state !== 'active') continue
    const old = lines.find((line) => line.kid === kept.replaces)
    // Once, whatever comes of it: what fails is told, and the old key stands in the list with its own button.
    await keep({ ...kept, replaces: null })
    changed = true
    if (old?.state !== 'active') continue
    try {
      await client.call('DELETE', `/operator-keys/${old.kid}`, { reason: `replaced by ${kept.kid}` })
      await forget(old.kid)
      tell(`Rotated: ${kept.kid} is active, and ${old.kid} is revoked.`)
    } catch (error) {
      tell(error)
    }
  }
  return changed
}

/**
 * @param {Session} session
 * @param {string} kid
 */
async function revoke(session, kid) {
  const reason = await session.askReason(kid)
  if (reason === null) return
  await session.client.call('DELETE', `/operator-keys/${kid}`, { reason })
  await forget(kid)
  await session.reread()
  tell(`Revoked ${kid}. What still waits loses the votes it signed.`)
}

/**
 * @param {Session} session
 * @param {Line} line
 */
export function lineOf(session, line) {
  const { kid, state, tone, at, kept, operation } = line
  return make(
    'li',
    { class: 'key', 'data-kid': kid, 'data-state': state },
    make(
      'div',
      { class: 'key-head' },
      make('code', { class: 'kid' }, kid),
      make('span', { class: `state ${tone}` }, state),
    ),
    make(
      'p',
      { class: 'quiet' },
      state === 'active' ? 'Registered ' : state === 'revoked' ? 'Revoked ' : 'Made ',
      when(at),
      state === 'revoked' ? '' : kept === null ? ' · private key elsewhere' : ' · private key in this browser',
      kept?.replaces ? ` · replaces ${kept.replaces}` : '',
    ),
    ...(operation === null ? [] : operationLines(operation)),
    make('div', { class: 'actions' }, ...actionsOf(session, line)),
  )
}

/**
 * @param {Session} session
 * @param {Line} line
 */
function actionsOf(session, { kid, state, kept, operation, tone }) {
  const named = (/** @type {string} */ does) => ({ 'data-does': does, 'aria-label': `${does} ${kid}` })
  if (state === 'active')
    return [
      button('Rotate', named('Rotate'), () => register(session, kid)),
      button('Revoke', { ...named('Revoke'), class: 'danger' }, () => revoke(session, kid)),
    ]
  if (kept === null || (tone === 'waiting' && operation !== null)) return []
  const drop = button('Forget', { ...named('Forget'), class: 'danger' }, async () => {
    await forget(kid)
    await session.reread()
    tell(`Forgot ${kid}: its private key is gone from this browser.`)
  })
  if (state !== 'not registered') return [drop]
  return [button('Register', named('Register'), () => askFor(session, kept)), drop]
}

/** What the registration waits for, or why it ended. @param {any} operation */
function operationLines({ id, status, approval, error }) {
  const given = approval.votes.filter((/** @type {any} */ vote) => vote.counted && vote.decision === 'approve').length
  const signed = approval.assurance === 'self_signed' ? ', signed with their own key' : ''
  const words =
    error !== null
      ? [`${error.code}: ${error.message}`]
      : status === 'pending_approval'
        ? [
            `waits for ${approval.quorum} approval of another person (${given} given)${signed}, until `,
            when(approval.expires_at),
          ]
        : [status.replaceAll('_', ' ')]
  return [
    make('p', {}, 'Operation ', make('code', {}, id), ': ', ...words),
    ...(status === 'pending_approval'
      ? [make('p', { class: 'quiet' }, 'They type ', make('code', {}, `exo approve ${id}`), ', or vote on this page.')]
      : []),
  ]
}
