/**
 * Key pairs of this browser: made by WebCrypto, the private half not extractable, kept in IndexedDB under the key's id. No
 * script can read such a key, this one included; it can only be asked to sign.
 */

/**
 * @typedef {object} KeptKey
 * @property {string} kid
 * @property {string} tenant
 * @property {string} principal_id
 * @property {{ kty: 'OKP', crv: 'Ed25519', x: string }} public_jwk
 * @property {CryptoKey} private_key
 * @property {string} made_at
 * @property {string | null} operation_id What registers it, once that was asked.
 * @property {string | null} replaces The key that is revoked when this one is active.
 */

const STORE = 'keys'

/** @returns {Promise<IDBDatabase>} */
function open() {
  const opening = indexedDB.open('exo-operator-keys', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'kid' })
  return settled(opening)
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/**
 * One transaction, done when it is on disk.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} ask
 * @returns {Promise<T>}
 */
async function inStore(mode, ask) {
  const database = await open()
  try {
    const transaction = database.transaction(STORE, mode, { durability: 'strict' })
    /** @type {Promise<void>} */
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
    const [result] = await Promise.all([settled(ask(transaction.objectStore(STORE))), done])
    return result
  } finally {
    database.close()
  }
}

/**
 * The keys that one principal made here for one tenant.
 * @param {string} tenant
 * @param {string} principalId
 */
export async function keysOf(tenant, principalId) {
  /** @type {KeptKey[]} */
  const kept = await inStore('readonly', (store) => store.getAll())
  return kept.filter((key) => key.tenant === tenant && key.principal_id === principalId)
}

/** @param {KeptKey} key */
export async function keep(key) {
  await inStore('readwrite', (store) => store.put(key))
}

/** @param {string} kid */
export async function forget(kid) {
  await inStore('readwrite', (store) => store.delete(kid))
}

/**
 * Makes a pair and keeps it before anybody hears of it, so that no key is registered that nobody holds.
 * @param {string} tenant
 * @param {string} principalId
 * @param {string | null} replaces
 */
export async function makeKey(tenant, principalId, replaces) {
  if (globalThis.crypto?.subtle === undefined)
    throw new Error('This browser makes keys only over HTTPS or on the machine itself (127.0.0.1, localhost).')
  // So that the browser does not clear it away when it is short of space; it may say no.
  await navigator.storage?.persist?.()
  const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']))
  const { x = '' } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  /** @type {KeptKey['public_jwk']} */
  const public_jwk = { kty: 'OKP', crv: 'Ed25519', x }
  /** @type {KeptKey} */
  const key = {
    kid: await kidOf(x),
    tenant,
    principal_id: principalId,
    public_jwk,
    private_key: pair.privateKey,
    made_at: new Date().toISOString(),
    operation_id: null,
    replaces,
  }
  await keep(key)
  return key
}

/**
 * The name the API gives a key: the beginning of its RFC 7638 thumbprint.
 * @param {string} x
 */
async function kidOf(x) {
  const canonical = `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`
  return `ok_${(await sha256Hex(canonical)).slice(0, 40)}`
}

/** @param {string} text */
export async function sha256Hex(text) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return new Uint8Array(digest).reduce((hex, byte) => hex + byte.toString(16).padStart(2, '0'), '')
}
