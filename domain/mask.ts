/**
 * Takes personal data out of what is kept for others to read: leaves and log lines. E-mail addresses, phone numbers, payment
 * cards (by their check digit) and bank accounts (by theirs) become one word each, which tells neither their length nor any
 * digest of them. Names and street addresses look like any other words, and stay. Pure, and linear in the text's length.
 */
import type { Json } from './canonical.ts'

export type MaskedKind = 'email' | 'iban' | 'card' | 'phone'
export interface Masked<T> {
  value: T
  /** What was found, in order, each once. */
  kinds: MaskedKind[]
}

/** Neither in the middle of a word nor of a number: digests and ids hold digits too. */
const BEFORE = String.raw`(?<![\p{L}\p{N}_])`
const AFTER = String.raw`(?![\p{L}\p{N}_])`
/** A number at home stands for itself: it is no part of a date, an amount or an address. */
const ALONE = String.raw`(?<![\p{L}\p{N}_.,:+-])`
const ENDED = String.raw`(?![\p{L}\p{N}_:-]|[.,]\d)`

const EMAIL = /(?:"[^"\n]{1,64}"|[\p{L}\p{N}._%+'-]{1,128})(?:@|%40)(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,63}/gu
const DIGITS = new RegExp(String.raw`${BEFORE}\d+(?:[ \u00a0-]\d+)*${AFTER}`, 'gu')
const ACCOUNT = new RegExp(String.raw`${BEFORE}[A-Za-z]{2}\d{2}`, 'gu')
const PHONES = [
  String.raw`(?<![\p{L}\p{N}_+])\+\d(?:[ \u00a0()./-]{0,2}\d){7,14}${AFTER}`,
  String.raw`${ALONE}00[1-9](?:[ \u00a0()./-]{0,2}\d){7,13}${ENDED}`,
  String.raw`${ALONE}(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])\d{3}[ .-]\d{4}${ENDED}`,
  String.raw`${ALONE}\(?0[1-9]\d{1,4}\)?[ \u00a0/-]{1,3}\d{3,8}(?:[ -]\d{1,6}){0,2}${ENDED}`,
  String.raw`${ALONE}0[1-9](?:[ \u00a0.-]\d{2}){4}${ENDED}`,
  String.raw`${ALONE}0[1-9]\d{8,10}${ENDED}`,
].map((pattern) => new RegExp(pattern, 'gu'))

/** A digest, an id or an instant, and nothing beside it: most of what a leaf holds. */
const OURS = /^(?:[0-9a-f]{32,}|[a-z]{1,8}_[0-9a-f]{16,}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/

/** Length of an account number by its country. */
const ACCOUNT_LENGTHS: Readonly<Record<string, number>> = Object.freeze(
  Object.fromEntries(
    (
      'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FK18 ' +
      'FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 ' +
      'LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 ' +
      'SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
    )
      .split(' ')
      .map((row) => [row.slice(0, 2), Number(row.slice(2))]),
  ),
)

export function maskText(text: string): Masked<string> {
  // Of most texts a glance is enough: they hold no address, and too few digits for a number.
  const addressed = /@|%40/.test(text)
  const numbered = /\d(?:\D{0,3}\d){6}/.test(text) && !OURS.test(text)
  if (!addressed && !numbered) return { value: text, kinds: [] }
  const kinds = new Set<MaskedKind>()
  const found = (kind: MaskedKind) => {
    kinds.add(kind)
    return `[${kind}]`
  }
  let value = addressed ? text.replace(EMAIL, () => found('email')) : text
  if (numbered) {
    value = maskAccounts(value, () => found('iban'))
    value = value.replace(DIGITS, (run) => maskCards(run, () => found('card')))
    for (const phone of PHONES) value = value.replace(phone, () => found('phone'))
  }
  return { value, kinds: [...kinds].sort() }
}

/** At every depth, names of members included. A number that is a card becomes a word. */
export function maskJson(value: Json): Masked<Json> {
  const kinds = new Set<MaskedKind>()
  const text = (given: string) => {
    const masked = maskText(given)
    for (const kind of masked.kinds) kinds.add(kind)
    return masked.value
  }
  const walk = (given: Json): Json => {
    if (typeof given === 'string') return text(given)
    if (typeof given === 'number') {
      if (!Number.isSafeInteger(given) || !isCard(String(given))) return given
      kinds.add('card')
      return '[card]'
    }
    if (typeof given !== 'object' || given === null) return given
    if (Array.isArray(given)) return given.map(walk)
    const members = new Map<string, Json>()
    const alike = new Map<string, number>()
    for (const [name, member] of Object.entries(given)) members.set(freeName(members, alike, text(name)), walk(member))
    return Object.fromEntries(members)
  }
  return { value: walk(value), kinds: [...kinds].sort() }
}

/** Two names that are masked alike stay two. `alike` counts them, so that thousands are not tried again for each. */
function freeName(taken: ReadonlyMap<string, Json>, alike: Map<string, number>, name: string): string {
  if (!taken.has(name)) return name
  let n = alike.get(name) ?? 2
  while (taken.has(`${name} ${n}`)) n++
  alike.set(name, n + 1)
  return `${name} ${n}`
}

function maskAccounts(text: string, masked: () => string): string {
  let out = ''
  let done = 0
  for (const { index } of text.matchAll(ACCOUNT)) {
    const end = index < done ? null : accountEnd(text, index)
    if (end === null) continue
    out += text.slice(done, index) + masked()
    done = end
  }
  return out + text.slice(done)
}

/** Where the account number that begins here ends, or null when none does. One space or hyphen may stand between characters. */
function accountEnd(text: string, begin: number): number | null {
  const length = ACCOUNT_LENGTHS[text.slice(begin, begin + 2).toUpperCase()]
  if (length === undefined) return null
  let account = ''
  for (let at = begin, parted = true; at < text.length; at++) {
    const char = text[at] ?? ''
    if (/[A-Za-z0-9]/.test(char)) account += char
    else if (parted || !/[ \u00a0-]/.test(char)) return null
    parted = !/[A-Za-z0-9]/.test(char)
    if (account.length < length) continue
    return /^[\p{L}\p{N}_]/u.test(text.slice(at + 1, at + 3)) || accountRemainder(account) !== 1 ? null : at + 1
  }
  return null
}

/** ISO 7064: letters count from ten, the first four characters come last. */
function accountRemainder(account: string): number {
  let remainder = 0
  for (const char of account.slice(4) + account.slice(0, 4))
    for (const digit of Number.parseInt(char, 36).toString()) remainder = (remainder * 10 + Number(digit)) % 97
  return remainder
}

/** Cards among groups of digits: every span of whole groups that could be one. */
function maskCards(run: string, masked: () => string): string {
  const groups = [...run.matchAll(/\d+/g)]
  let out = ''
  let done = 0
  for (let first = 0; first < groups.length; first++) {
    const last = cardFrom(groups, first)
    if (last === null) continue
    const [begin, end] = [groups[first]?.index ?? 0, (groups[last]?.index ?? 0) + (groups[last]?.[0].length ?? 0)]
    out += run.slice(done, begin) + masked()
    done = end
    first = last
  }
  return out + run.slice(done)
}

function cardFrom(groups: readonly RegExpMatchArray[], first: number): number | null {
  let digits = ''
  for (let last = first; last < groups.length; last++) {
    digits += groups[last]?.[0] ?? ''
    if (digits.length > 19) return null
    if (isCard(digits)) return last
  }
  return null
}

/** 13 to 19 digits that begin as issuers' do, with the right last one. */
function isCard(digits: string): boolean {
  if (!/^(?:[3-6]|2[2-7])\d{12,18}$/.test(digits) || digits.length > 19) return false
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48
    const counted = i % 2 === 0 ? digit : digit * 2
    sum += counted > 9 ? counted - 9 : counted
  }
  return sum % 10 === 0
}
