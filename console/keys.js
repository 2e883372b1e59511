/** The page itself: signing in and out, the list of keys and what is done with it. */
import { Client } from './client.js'
import { busy, byId, make, tell, visible } from './elements.js'
import { finishRotations, isWaiting, lineOf, readLines, register } from './key-list.js'
import { addVotePanel, clearVote } from './vote-panel.js'

/** @typedef {import('./key-list.js').Session} Session */

const LOOK_AGAIN_MS = 5_000

/** @type {Session | null} */
let session = null
/** What is on the screen, so that an equal answer takes nobody's focus away. */
let drawn = ''
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer

const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id))

/** Whoever is signed in. */
function current() {
  if (session === null) throw new Error('Nobody is signed in.')
  return session
}

async function signIn() {
  const key = input('api-key')
  const client = new Client({
    token: key.value.trim(),
    mode: input('mode').value,
    project: input('project').value.trim(),
  })
  const me = await client.me()
  key.value = ''
  const places =
    me.platform_role === null
      ? me.tenants.map(({ id, role }) => ({ id, role }))
      : [{ id: 't_system', role: me.platform_role }]
  const select = /** @type {HTMLSelectElement} */ (byId('tenant'))
  select.replaceChildren(
    ...places.map(({ id, role }) => make('option', { value: id }, `${id} (${role.replaceAll('_', ' ')})`)),
  )
  byId('who').textContent = visible(me.principal.name)
  byId('who-id').textContent = me.principal.id
  const enter = async () => {
    const tenant = select.value
    if (me.platform_role === null) client.choose(tenant || null)
    session = { client, tenant, principalId: me.principal.id, reread, askReason }
    drawn = ''
    clearVote()
    byId('keys').replaceChildren()
    byId('keys-empty').hidden = true
    byId('keys-loading').hidden = false
    await reread()
  }
  select.onchange = () => void enter().catch(tell)
  byId('sign-in').hidden = true
  byId('signed-in').hidden = false
  byId('keys-heading').focus()
  tell('Signed in.')
  await enter()
}

function signOut() {
  clearTimeout(timer)
  session = null
  drawn = ''
  clearVote()
  byId('keys').replaceChildren()
  byId('signed-in').hidden = true
  byId('sign-in').hidden = false
  input('api-key').focus()
  tell('Signed out: the API key is gone from this page.')
}

/** Reads the keys and shows them; looks again by itself while a registration waits and the page is seen. */
async function reread() {
  clearTimeout(timer)
  const of = current()
  byId('keys').setAttribute('aria-busy', 'true')
  try {
    let lines = await readLines(of)
    if (await finishRotations(of, lines)) lines = await readLines(of)
    if (session === of) draw(of, lines)
  } catch (error) {
    byId('keys-empty').hidden = true
    throw error
  } finally {
    byId('keys').removeAttribute('aria-busy')
    byId('keys-loading').hidden = true
  }
}

/**
 * @param {Session} of
 * @param {import('./key-list.js').Line[]} lines
 */
function draw(of, lines) {
  if (isWaiting(lines)) timer = setTimeout(lookAgain, LOOK_AGAIN_MS)
  byId('keys-empty').hidden = lines.length > 0
  const next = JSON.stringify(lines.map(({ kept, ...line }) => [line, kept?.replaces ?? null]))
  if (next === drawn) return
  drawn = next
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.getAttribute('aria-label')
  byId('keys').replaceChildren(...lines.map((line) => lineOf(of, line)))
  if (focused)
    /** @type {HTMLElement | null} */ (document.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus()
}

function lookAgain() {
  if (document.hidden) timer = setTimeout(lookAgain, LOOK_AGAIN_MS)
  else void reread().catch(tell)
}

/**
 * Asks why a key is revoked; null when it shall not be.
 * @param {string} kid
 * @returns {Promise<string | null>}
 */
function askReason(kid) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('revoke'))
  byId('revoke-kid').textContent = kid
  input('revoke-reason').value = ''
  dialog.returnValue = ''
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue || null), { once: true })
  })
}

/**
 * @param {string} form
 * @param {(event: SubmitEvent) => void} act
 */
function onSubmit(form, act) {
  byId(form).addEventListener('submit', (event) => {
    event.preventDefault()
    act(/** @type {SubmitEvent} */ (event))
  })
}

/**
 * @param {string} id
 * @param {() => Promise<void>} act
 */
function onClick(id, act) {
  const element = /** @type {HTMLButtonElement} */ (byId(id))
  element.addEventListener('click', () => void busy(element, act))
}

onSubmit('sign-in-form', () => void busy(/** @type {HTMLButtonElement} */ (byId('enter')), signIn))
onSubmit('revoke-form', () => {
  const reason = input('revoke-reason').value.trim()
  if (reason !== '') /** @type {HTMLDialogElement} */ (byId('revoke')).close(reason)
})
byId('revoke-cancel').addEventListener('click', () => /** @type {HTMLDialogElement} */ (byId('revoke')).close(''))
onClick('leave', async () => signOut())
onClick('new-key', () => register(current(), null))
onClick('refresh', async () => {
  tell('Read again.')
  await reread()
})
addVotePanel(current)
if (!isSecureContext) tell(new Error('This page came over plain HTTP: type no key here, and ask for it over HTTPS.'))
// A page that is left may be kept whole to come back to; it does not keep the credential.
addEventListener('pagehide', () => {
  if (session !== null) signOut()
})
