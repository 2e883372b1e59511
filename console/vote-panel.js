/** Voting with the key of this browser: an operation is shown as its hashes name it, and exactly that is signed. */
import { checkShown, signVote } from './ballot.js'
import { busy, byId, make, tell, visible, when } from './elements.js'
import { readLines } from './key-list.js'

/** @typedef {import('./key-list.js').Session} Session */

/** The operation on the screen, or null. @type {any} */
let shown = null

/** @param {() => Session} session */
export function addVotePanel(session) {
  const form = /** @type {HTMLFormElement} */ (byId('vote-find'))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void busy(/** @type {HTMLButtonElement} */ (byId('vote-show')), () => show(session()))
  })
  for (const decision of /** @type {const} */ (['approve', 'deny'])) {
    const element = /** @type {HTMLButtonElement} */ (byId(`vote-${decision}`))
    element.addEventListener('click', () => void busy(element, () => vote(session(), decision)))
  }
}

export function clearVote() {
  shown = null
  byId('vote-shown').replaceChildren()
  byId('vote-decide').hidden = true
}

/** @param {Session} session */
async function show({ client }) {
  clearVote()
  const id = byIdInput('vote-id').value.trim()
  if (!/^op_[0-9a-z]{1,64}$/.test(id)) throw new Error('That is not the id of an operation; ids look like op_7f3a….')
  const operation = await client.call('GET', `/operations/${id}`)
  await checkShown(operation)
  byId('vote-shown').replaceChildren(...shownLines(operation))
  if (operation.status !== 'pending_approval')
    return tell(`${id} is ${operation.status.replaceAll('_', ' ')}: nobody is asked.`)
  shown = operation
  byId('vote-decide').hidden = false
  tell('Read it; your vote names exactly this.')
}

/**
 * @param {Session} session
 * @param {'approve' | 'deny'} decision
 */
async function vote(session, decision) {
  if (shown === null) return
  const operation = shown
  const reason = byIdInput('vote-reason').value.trim() || null
  if (decision === 'deny' && reason === null) {
    byId('vote-reason').focus()
    throw new Error('A denial needs a reason.')
  }
  const line = (await readLines(session)).find(({ state, kept }) => state === 'active' && kept !== null)
  if (line === undefined || line.kept === null) throw new Error('No active key of yours is in this browser.')
  const answer = await session.client.call('POST', `/operations/${operation.id}/decisions`, {
    decision,
    intent_hash: operation.intent_hash,
    shown_hash: operation.shown_hash,
    ...(reason === null ? {} : { reason }),
    vote: await signVote(line.kept, operation, { decision, reason }, session.client.nowMs()),
  })
  clearVote()
  byIdInput('vote-reason').value = ''
  tell(
    `Voted: ${answer.vote.decision} on ${operation.id}, signed with ${line.kid}. It is ${answer.operation.status.replaceAll('_', ' ')} now.`,
  )
}

/** @param {any} operation */
function shownLines(operation) {
  const { preview, requested_by: by } = operation
  const asked = [by.principal_id, ...(by.on_behalf_of ?? [])].join(' for ')
  const rows = [
    ...preview.fields.map((/** @type {{ label: string, value: unknown }} */ field) => [
      field.label,
      visible(field.value),
    ]),
    ['action', `${operation.action}, version ${operation.action_version}, ${operation.class}`],
    ['target', visible(operation.target ?? '–')],
    ['asked by', visible(`${asked} (${by.kind})`)],
    ['why', visible(operation.reason ?? '–')],
    ['votes until', when(operation.approval.expires_at)],
    ['intent hash', make('code', {}, operation.intent_hash)],
    ['plan hash', make('code', {}, operation.plan_hash)],
    ['shown hash', make('code', {}, operation.shown_hash)],
  ]
  return [
    make('h3', {}, visible(preview.title)),
    make('dl', {}, ...rows.map(([label, value]) => make('div', {}, make('dt', {}, label), make('dd', {}, value)))),
  ]
}

/** @param {string} id */
const byIdInput = (id) => /** @type {HTMLInputElement} */ (byId(id))
