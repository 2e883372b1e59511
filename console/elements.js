/** The few things that are done to the document. Texts are texts: nothing here, or elsewhere, writes markup. */

/**
 * The element of the page with this id.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return /** @type {T} */ (found)
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export function make(name, attributes, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}

/**
 * A button that is dead while what it began is going on.
 * @param {string} label
 * @param {Record<string, string>} attributes
 * @param {() => Promise<void>} act
 */
export function button(label, attributes, act) {
  const element = /** @type {HTMLButtonElement} */ (make('button', { type: 'button', ...attributes }, label))
  element.addEventListener('click', () => void busy(element, act))
  return element
}

/**
 * Does it once; what goes wrong is told.
 * @param {HTMLButtonElement} element
 * @param {() => Promise<void>} act
 */
export async function busy(element, act) {
  if (element.getAttribute('aria-disabled') === 'true') return
  // Not `disabled`, which would take the focus away from people who use a keyboard.
  element.setAttribute('aria-disabled', 'true')
  try {
    await act()
  } catch (error) {
    tell(error)
  } finally {
    element.removeAttribute('aria-disabled')
  }
}

/**
 * Says what happened, to eyes and to screen readers. An error is told in the API's own words.
 * @param {unknown} what
 */
export function tell(what) {
  const failed = what instanceof Error
  const line = byId('told')
  line.className = failed ? 'told wrong' : 'told'
  if (!failed) return line.replaceChildren(String(what))
  // Only what the API said has a code; the rest was stopped here.
  const {
    code,
    requestId = null,
    details = {},
  } = /** @type {{ code?: string, requestId?: string | null, details?: Record<string, unknown> }} */ (
    /** @type {unknown} */ (what)
  )
  line.replaceChildren(
    make('strong', {}, requestId === null ? 'Not done. ' : 'Refused. '),
    what.message,
    typeof code === 'string' ? make('code', {}, ` ${code}`) : '',
    requestId === null ? '' : make('span', { class: 'quiet' }, ` request ${requestId}`),
    ...detailLines(details).map((text) => make('span', { class: 'detail' }, text)),
  )
}

/**
 * What the message speaks of, a line each: faults by their place, the rest by name.
 * @param {Record<string, unknown>} details
 * @returns {string[]}
 */
function detailLines({ errors, ...others }) {
  const faults = Array.isArray(errors) ? errors.map(({ path, message }) => `${visible(path)}: ${visible(message)}`) : []
  const named = Object.entries(others).map(
    ([name, value]) => `${name}: ${Array.isArray(value) ? value.map(visible).join(', ') : visible(value)}`,
  )
  return [...faults, ...named]
}

/**
 * Instants as people read them, exact to the second.
 * @param {string | number | null | undefined} instant
 */
export function when(instant) {
  if (instant == null) return '–'
  const text = new Date(instant).toISOString()
  return make('time', { datetime: text }, `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`)
}

/** Controls, formats, separators of lines, and what renders as nothing: they could make a text read as another. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]/gu

/**
 * One line of text, everything unseen spelled out as `<U+202E>`.
 * @param {unknown} value
 */
export function visible(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replaceAll(
    UNSEEN,
    (char) => `<U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`,
  )
}
