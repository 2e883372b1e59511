/**
 * The operators' page, used by keys alone in a real Chromium against the real stack: a key is made and registered there, votes,
 * is rotated and revoked, and its private half cannot be had. Without Chromium the tests are skipped and say so.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { CONSOLE_FILES } from '../../api/console-files.ts'
import { canonicalJson } from '../../domain/canonical.ts'
import { type Browser, findChromium, openBrowser, type Page } from '../support/browser.ts'
import { callers } from '../support/client.ts'
import { makeTenant, pending, type Tenant, vote } from '../support/tenant.ts'

const CHROMIUM = findChromium()
const { url, credentials } = inject('deployment')
let tenant: Tenant
let browser: Browser | null = null
let first: string
let second: string

beforeAll(async () => {
  if (CHROMIUM === null) return
  tenant = await makeTenant(callers(url, credentials), url, 'console')
  await tenant.open()
  browser = await openBrowser(CHROMIUM)
})
afterAll(async () => await browser?.close())

test('serves a fixed table of files, each with the strict policy, and nothing beside it', async () => {
  for (const path of Object.keys(CONSOLE_FILES)) {
    const { status, headers } = await fetch(url + path)
    expect([path, status, headers.get('content-security-policy')]).toEqual([
      path,
      200,
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ])
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-store')
  }
  for (const path of ['keys.html', '..%2fpackage.json', '%2e%2e/package.json', 'constructor', 'keys.js/', 'keys.ts'])
    expect([path, (await fetch(`${url}/console/${path}`, { redirect: 'manual' })).status >= 400]).toEqual([path, true])
})

test('sends who asks for the bare address to the page, and asks for no credential', async () => {
  for (const [from, to] of [
    ['/', '/console'],
    ['/console', '/console/keys'],
  ]) {
    const { status, headers } = await fetch(`${url}${from}`, { redirect: 'manual' })
    expect([from, status, headers.get('location')]).toEqual([from, 302, to])
  }
  expect((await fetch(`${url}//`)).status).toBe(401)
})

describe.skipIf(CHROMIUM === null)(
  `in a browser${CHROMIUM === null ? ' (skipped: no chromium here, see README.md)' : ''}`,
  () => {
    test("shows the API's own words for a key that is none", async () => {
      const page = opened()
      await page.open(`${url}/console`)
      await signIn(page, `exo_${'a'.repeat(18)}_${'b'.repeat(43)}`)
      expect(await told(page, 'auth.invalid')).toContain('Refused.')
    })

    test('shows what the words of a refusal speak of: the permission that is missing, the fields that are wrong', async () => {
      const page = opened()
      const refused = async (method: string, path: string, body?: object) => {
        const from = { token: tenant.as('viewer').token, mode: 'lab', project: 'p_main' }
        await page.evaluate(`Promise.all([import('/console/client.js'), import('/console/elements.js')]).then(
          async ([{ Client }, { tell }]) =>
            await new Client(${JSON.stringify(from)}).call(${JSON.stringify(method)}, ${JSON.stringify(path)}, ${JSON.stringify(body)}).catch(tell))`)
        return await page.evaluate(`[...document.querySelectorAll('#told .detail')].map((line) => line.textContent)`)
      }
      const stop = { scope: 'tenant', state: 'stopped', reason: 'x' }
      expect(await refused('PUT', '/kill-switches', stop)).toEqual(['required: stop'])
      expect(await refused('GET', '/operations?limit=0&status=lost')).toEqual([
        expect.stringMatching(/^\/query\/status: ./),
      ])
      expect(await refused('GET', '/operations?limit=0')).toEqual(['/query/limit: an integer from 1 to 200'])
    })

    test('makes a key that counts once another person approved it', async () => {
      const page = opened()
      await signIn(page, tenant.as('operator').token ?? '')
      await page.until('the empty list says so', `!document.querySelector('#keys-empty').hidden`)
      expect(await page.evaluate(`document.querySelector('#who-id').textContent`)).toContain(
        tenant.principal('operator'),
      )
      expect(await page.evaluate(`document.querySelector('#tenant').value`)).toBe(tenant.id)
      await page.press('#new-key')
      first = await registered(page)
      expect(await keys()).toMatchObject([{ kid: first, principal_id: tenant.principal('operator'), revoked_at: null }])
    })

    test('keeps the private key where no script can read it, and the API key nowhere', async () => {
      const page = opened()
      const [key, ...others] =
        await page.evaluate(`${KEPT}.then((kept) => Promise.all(kept.map(async ({ kid, private_key }) => ({
    kid,
    extractable: private_key.extractable,
    usages: private_key.usages,
    refused: await Promise.all(['jwk', 'pkcs8', 'raw'].map((form) =>
      crypto.subtle.exportKey(form, private_key).then(() => 'exported', (error) => error.name))),
  }))))`)
      expect(others).toEqual([])
      expect(key).toMatchObject({ kid: first, extractable: false, usages: ['sign'] })
      expect(key.refused).not.toContain('exported')
      const seen = await page.evaluate(
        `location.href + document.cookie + JSON.stringify([{ ...localStorage }, { ...sessionStorage }]) + document.querySelector('#api-key').value`,
      )
      expect(seen).not.toContain(tenant.as('operator').token)
    })

    test('signs a vote over exactly what it shows', async () => {
      const page = opened()
      const text = 'größer <b>\u202e{"z":1,"a":[]}'
      const operation = await pending(tenant.as('member'), { notebook: 'console', text }, { reason: 'to be signed' })
      await page.type('#vote-id', operation.id)
      await page.press('#vote-show')
      await page.until('the operation is shown', `!document.querySelector('#vote-decide').hidden`)
      const shown = await page.evaluate(`document.querySelector('#vote-shown').textContent`)
      for (const part of [
        'note.append',
        'to be signed',
        operation.intent_hash,
        operation.plan_hash,
        operation.shown_hash,
      ])
        expect(shown).toContain(part)
      // What would turn the letters around is told and does nothing.
      expect(shown).toContain('größer <b><U+202E>')
      await page.type('#vote-reason', 'read it here')
      await page.press('#vote-approve')
      await told(page, `Voted: approve on ${operation.id}`)
      expect(await tenant.ended(operation.id)).toMatchObject({
        status: 'executed',
        approval: {
          votes: [
            { by: tenant.principal('operator'), assurance: 'self_signed', decision: 'approve', reason: 'read it here' },
          ],
        },
      })
    })

    test('writes canonical JSON as the rest of the system does', async () => {
      const page = opened()
      const values = [
        { b: 1, a: [null, true, 'é\u2028\n"\\'], '€': { '\r': -0, '1': 0.1, 10: 1e-7 } },
        [],
        {},
        'ﬃ',
        4.5,
      ]
      const texts = await page.evaluate(
        `import('/console/canonical.js').then(({ canonicalJson }) => ${JSON.stringify(values)}.map(canonicalJson))`,
      )
      expect(texts).toEqual(values.map((value) => canonicalJson(JSON.parse(JSON.stringify(value)))))
    })

    test('rotates: the old key is revoked when the new one is active, and not before', async () => {
      const page = opened()
      await page.press(`[data-kid="${first}"] [data-does="Rotate"]`)
      second = await registered(page, async () => {
        const [old, ...others] = await keys()
        expect([old?.kid, old?.revoked_at, others]).toEqual([first, null, []])
      })
      await told(page, `Rotated: ${second} is active`)
      expect((await keys()).map(({ kid, revoked_at }) => [kid, revoked_at === null])).toEqual([
        [first, false],
        [second, true],
      ])
      expect(await page.evaluate(`${KEPT}.then((kept) => kept.map(({ kid }) => kid))`)).toEqual([second])
    })

    test('revokes at once, for a reason', async () => {
      const page = opened()
      await page.press(`[data-kid="${second}"] [data-does="Revoke"]`)
      await page.type('#revoke-reason', 'the laptop is sold')
      await page.press('#revoke-confirm')
      await told(page, `Revoked ${second}`)
      expect((await keys()).filter(({ revoked_at }) => revoked_at === null)).toEqual([])
      expect(await page.evaluate(`${KEPT}.then((kept) => kept.length)`)).toBe(0)
    })

    test('lists a key whose registration is not to be found, and forgets it when told to', async () => {
      const page = opened()
      const stale = await page.evaluate(`import('/console/key-store.js').then(async ({ keep, makeKey }) => {
      const key = await makeKey(${JSON.stringify(tenant.id)}, ${JSON.stringify(tenant.principal('operator'))}, null)
      await keep({ ...key, operation_id: 'op_${'0'.repeat(32)}' })
      return key.kid
    })`)
      await page.press('#refresh')
      const listed = `document.querySelector('[data-kid="${stale}"]')`
      await page.until('it is listed', `${listed}?.dataset.state === 'operation not found'`)
      await page.press(`[data-kid="${stale}"] [data-does="Forget"]`)
      await told(page, `Forgot ${stale}`)
      expect(await page.evaluate(`${KEPT}.then((kept) => kept.length)`)).toBe(0)
    })

    test('forgets the API key when it is left', async () => {
      const page = opened()
      await page.open(`${url}/docs`)
      await page.open(`${url}/console/keys`)
      expect(await page.evaluate(`document.querySelector('#signed-in').hidden`)).toBe(true)
    })

    test('complains of nothing but the refusals that were asked for', () => {
      expect(opened().complaints.filter((each) => !/status of 40[0134]/.test(each))).toEqual([])
    })
  },
)

/** Everything in the browser's store of keys. */
const KEPT = `new Promise((resolve, reject) => {
  const opening = indexedDB.open('exo-operator-keys')
  opening.onerror = () => reject(opening.error)
  opening.onsuccess = () => {
    const asking = opening.result.transaction('keys').objectStore('keys').getAll()
    asking.onsuccess = () => { opening.result.close(); resolve(asking.result) }
  }
})`

function opened(): Page {
  if (browser === null) throw new Error('no browser is open')
  return browser.page
}

async function signIn(page: Page, apiKey: string): Promise<void> {
  await page.type('#api-key', apiKey)
  await page.press('#enter')
}

async function told(page: Page, part: string): Promise<string> {
  const text = `document.querySelector('#told').textContent`
  return await page.until(`the page tells ${part}`, `${text}.includes(${JSON.stringify(part)}) && ${text}`)
}

/** Follows a registration to its end, which another person votes for; answers the key. */
async function registered(page: Page, meanwhile: () => Promise<void> = async () => {}): Promise<string> {
  await told(page, '202: operation')
  const waiting = `document.querySelector('[data-state="pending approval"]')`
  await page.until('the registration waits', `${waiting} !== null`)
  const kid = await page.evaluate(`${waiting}.dataset.kid`)
  const [id] = /op_[0-9a-z]+/.exec(await page.evaluate(`${waiting}.textContent`)) ?? ['']
  await meanwhile()
  const voted = await vote(tenant.as('operator2'), await tenant.operation(id))
  expect(voted.body.operation.effect.result.kid).toBe(kid)
  await page.press('#refresh')
  await page.until('the key is listed', `document.querySelector('[data-kid="${kid}"]')?.dataset.state === 'active'`)
  return kid
}

async function keys(): Promise<{ kid: string; principal_id: string; revoked_at: string | null }[]> {
  return (await tenant.as('operator').get('/operator-keys')).body.items
}
