import { execFile } from 'node:child_process'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Desk, openDesk } from './support/exo.ts'
import { UNTIL } from '../support/opening.ts'
import { openTemporal } from '../support/temporal.ts'
import { describeStack } from '../../bin/stack/index.ts'

let desk: Desk

beforeAll(async () => {
  desk = await openDesk(inject('deployment'), 'approve')
})
afterAll(() => desk?.close())

/** Looks like `pay 10` in a terminal that obeys it; then rings, turns red and draws a row that is not there. */
const SLY = 'pay \u202e01\u202c now\u200b\u0007\u001b[31m!\nby        p_somebody_else\u2028x'

describe('exo inbox', () => {
  test('says what would happen, who asks, until when, and what to type', async () => {
    const id = await desk.waiting('look at me', ['--reason', 'it is tea time'])
    const { code, out } = await desk.exo('inbox --as operator')
    expect(code).toBe(0)
    const card = out.split('\n\n').find((each) => each.includes(id)) ?? ''
    expect(card).toMatch(/reversible {2}Append a note to inbox/)
    expect(card).toContain('text      look at me')
    expect(card).toContain('(agent)')
    expect(card).toContain('why      it is tea time')
    expect(card).toMatch(/1 approval of somebody who may decide, not the requester, until .+Z \(in (1 h|59 min)/)
    expect(card).toMatch(new RegExp(`approve {2}exo approve ${id} --shown [0-9a-f]{12} --as operator`))
  })

  test('has no commands for those who may not use them', async () => {
    const id = await desk.waiting('mine')
    expect((await desk.exo('inbox --as agent')).out).toContain(
      `it is your own: another person decides. exo cancel ${id}`,
    )
    expect((await desk.exo('inbox --as service')).out).toContain('only people decide')
  })

  test('shows what hides, reorders or steers, and no value can imitate a row', async () => {
    const id = await desk.waiting(SLY)
    for (const words of ['inbox --as operator', `show ${id} --as viewer`]) {
      const { out } = await desk.exo(words)
      expect(out).toContain('pay <U+202E>01<U+202C> now<U+200B><U+0007><U+001B>[31m!')
      expect(out).toMatch(/│ by {8}p_somebody_else<U\+2028>x/)
      for (const hidden of '\u202e\u202c\u200b\u0007\u001b\u2028') expect(out).not.toContain(hidden)
    }
    const json = await desk.exo(`show ${id} --as viewer --json`)
    expect(json.out).not.toMatch(/[\u202e\u202c\u200b\u2028]/)
    expect(json.json.input.text).toBe(SLY)
    await desk.exo(`cancel ${id} --reason seen --as agent`)
  })

  test('folds what is long, and says how much and what it was', async () => {
    const id = await desk.waiting('x'.repeat(5_000))
    const { out } = await desk.exo('inbox --as operator')
    expect(out).toMatch(/… and 4600 more characters \(the whole value has 5000, SHA-256 [0-9a-f]{64}\)/)
    expect((await desk.exo(`show ${id} --as viewer`)).out).toContain('x'.repeat(5_000))
  })
})

describe('exo approve and exo deny', () => {
  test('print what is shown, then vote on exactly that', async () => {
    const id = await desk.waiting('approve me')
    const { code, out, err } = await desk.exo(`approve ${id} --reason fine --as operator`)
    expect(code).toBe(0)
    expect(err).toContain('text      approve me')
    expect(err).toMatch(/shown hash [0-9a-f]{64}/)
    expect(out).toMatch(/^approved {2}Append a note to inbox {2}executed/)
    expect(out).toContain('attested by the API')
    expect(out).toContain('note_id')
  })

  test('a denial ends it, and needs a reason', async () => {
    const id = await desk.waiting('deny me')
    expect((await desk.exo(`deny ${id} --as operator`)).code).toBe(2)
    const { code, json } = await desk.exo(`deny ${id} --reason no --as operator --json`)
    expect([code, json.operation.status, json.vote.decision]).toEqual([0, 'denied', 'deny'])
    const late = await desk.exo(`approve ${id} --as operator2 --json`)
    expect([late.code, late.json.error.code]).toEqual([1, 'approval.already_decided'])
  })

  test('refuse what is shown now when it is not what was seen', async () => {
    const id = await desk.waiting('changed?')
    const { shown_hash } = await desk.json(`show ${id} --as operator`)
    const other = await desk.exo(`approve ${id} --shown 0123456789ab --as operator --json`)
    expect([other.code, other.json.error.code]).toEqual([1, 'cli.shown_mismatch'])
    expect((await desk.exo(`approve ${id} --shown ${shown_hash.slice(0, 4)} --as operator`)).code).toBe(2)
    expect((await desk.exo(`approve ${id} --shown ${shown_hash.slice(0, 12)} --as operator`)).code).toBe(0)
  })

  test('tell a person apart from an agent, and the one who asked from another', async () => {
    const id = await desk.waiting('not by the agent')
    expect((await desk.exo(`approve ${id} --as agent --json`)).json.error.code).toBe('auth.insufficient_role')
    expect((await desk.exo(`approve ${id} --as operator3 --json`)).json.error.code).toBe('approval.self')
    const own = await desk.json('propose note.append --field notebook=inbox --field text=own --as operator2')
    expect((await desk.exo(`approve ${own.id} --as operator2 --json`)).json.error.code).toBe('approval.self')
  })
})

describe('a key of one’s own', () => {
  test('is made once, for its user alone, and registered with another person’s vote', async () => {
    expect((await desk.exo('key enrol --as operator')).err).toContain('exo key new --as operator')
    const made = await desk.json('key new --as operator')
    expect(made.file).toBe(join(desk.home, 'keys', `operator-${desk.tenant.principal('operator')}.jwk`))
    expect((await stat(made.file)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(made.file, 'utf8'))).toMatchObject({ ...made.public_jwk, d: expect.any(String) })
    expect((await desk.exo('key new --as operator')).err).toContain('exists already')
    const early = await desk.exo('vote op_0000 --decision approve --as operator --json')
    expect([early.code, early.json.error.code]).toEqual([1, 'cli.key_not_registered'])
    const id = await desk.waiting('attested still')
    expect((await desk.exo(`approve ${id} --as operator`)).err).toContain('is not registered, so it does not sign')

    const asked = await desk.exo('key enrol --as operator --json')
    expect([asked.code, asked.json.action]).toEqual([3, 'operator_key.create'])
    await desk.exo(`approve ${asked.json.id} --as operator2`)
    const { items } = await desk.json('key list --as viewer')
    expect(items).toMatchObject([{ principal_id: desk.tenant.principal('operator'), public_jwk: made.public_jwk }])
    const again = await desk.exo('key enrol --as operator')
    expect([again.code, again.out]).toEqual([0, `registered already  ${items[0].kid}\n`])
  })

  test('signs approvals from then on, and nothing else will do', async () => {
    const id = await desk.waiting('signed')
    const attested = await desk.exo(`approve ${id} --as operator --json`, {
      env: { EXO_HOME: await copyWithoutKeys() },
    })
    expect([attested.code, attested.json.error.code]).toEqual([1, 'approval.signature_required'])
    expect((await desk.exo(`approve ${id} --as operator`)).out).toContain('signed with your own key')
    const shown = await desk.json(`show ${id} --as viewer`)
    expect(shown.approval.votes).toMatchObject([{ assurance: 'self_signed', counted: true }])
  })

  test('exo vote signs claims that name what was shown, fresh for at most an hour', async () => {
    const id = await desk.waiting('claims')
    const { vote, kid } = await desk.json(`vote ${id} --decision approve --print --as operator`)
    const shown = await desk.json(`show ${id} --as operator`)
    expect(decodeProtectedHeader(vote)).toEqual({ alg: 'EdDSA', kid, typ: 'exo-vote+jwt' })
    const { nonce, iat, exp, ...claims } = decodeJwt<{ nonce: string }>(vote)
    expect(claims).toEqual({
      operation_id: id,
      tenant: desk.tenant.id,
      intent_hash: shown.intent_hash,
      plan_hash: shown.plan_hash,
      shown_hash: shown.shown_hash,
      decision: 'approve',
      reason: null,
    })
    expect(nonce.length).toBeGreaterThanOrEqual(16)
    expect((exp ?? 0) - (iat ?? 0)).toBe(3600)
    expect(shown.status).toBe('pending_approval')
    const sent = await desk.json(`vote ${id} --decision deny --reason enough --as operator`)
    expect(sent.operation).toMatchObject({ status: 'denied' })
    const late = await desk.exo(`vote ${id} --decision approve --print --as operator --json`)
    expect([late.code, late.json.error.code]).toEqual([1, 'cli.not_pending'])
  })

  test('a vote that is sent says which it is', async () => {
    const { code, err } = await desk.exo(`vote op_0000 --as operator`)
    expect([code, err]).toEqual([2, expect.stringContaining("'--decision <decision>' not specified")])
  })

  test('a printed vote works as a raw signal, from any client and once', async () => {
    const id = await desk.waiting('by signal')
    const { signal } = await desk.json(`vote ${id} --decision approve --print --as operator`)
    const { address, namespace } = inject('deployment').addresses.temporal
    expect(signal.namespace).toBe(namespace)
    const temporal = await openTemporal({ address, namespace })
    try {
      await temporal.client.workflow.getHandle(signal.workflow_id).signal(signal.name, signal.input)
    } finally {
      await temporal.close()
    }
    const ended = await desk.exo(`show ${id} --wait 20 --as viewer --json`)
    expect([ended.code, ended.json.status, ended.json.approval.votes[0].assurance]).toEqual([
      0,
      'executed',
      'self_signed',
    ])
  })

  test('the printed command works as it stands, in a shell', async () => {
    const id = await desk.waiting('by command')
    const { out, err } = await desk.exo(`vote ${id} --print --as operator`)
    const [jws = '', command = ''] = out.trimEnd().split('\n')
    expect(err).toContain('text      by command')
    expect(command).toBe(
      `temporal workflow signal --address ${inject('deployment').addresses.temporal.address} --namespace exoarmur ` +
        `--workflow-id ${desk.tenant.id}/${id} --name decide --input '"${jws}"'`,
    )
    const temporal = (await describeStack(inject('deployment').home)).find(({ name }) => name === 'temporal')
    await promisify(execFile)('/bin/sh', ['-c', command.replace(/^temporal/, temporal?.binary ?? '')])
    expect((await desk.exo(`show ${id} --wait 20 --as viewer`)).code).toBe(0)
  })

  test('a key that others can read, or that is none, is not used', async () => {
    const id = await desk.waiting('not with that')
    const file = join(desk.home, 'loose.jwk')
    await writeFile(file, '{}')
    await chmod(file, 0o644)
    const loose = await desk.exo(`approve ${id} --as operator`, { env: { EXO_KEY: file } })
    expect([loose.code, loose.err]).toEqual([2, expect.stringContaining('can be read by others')])
    await chmod(file, 0o600)
    expect((await desk.exo(`approve ${id} --as operator`, { env: { EXO_KEY: file } })).err).toContain(
      'does not hold an Ed25519 key',
    )
    expect((await desk.exo(`approve ${id} --as operator`, { env: { EXO_KEY: '/absent.jwk' } })).err).toContain(
      'does not exist',
    )
  })
})

describe('exo key revoke', () => {
  test('takes a key back at once, with what it signed, and votes are attested again', async () => {
    await desk.exo('key new --as admin')
    const { id: enrolment } = await desk.json('key enrol --as admin')
    await desk.exo(`approve ${enrolment} --as operator2`)
    const mine = (item: { principal_id: string }) => item.principal_id === desk.tenant.principal('admin')
    const { kid } = (await desk.json('key list --as viewer')).items.find(mine)

    const stranger = await desk.exo(`key revoke ${kid} --reason mischief --as operator2 --json`)
    expect([stranger.code, stranger.json.error.code]).toEqual([1, 'resource.not_found'])

    const signed = await desk.waiting('signed before', ['--quorum', '2'])
    await desk.exo(`approve ${signed} --as admin`)
    const { code, out } = await desk.exo(`key revoke ${kid} --reason lost --as admin`)
    expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`^revoked {2}${kid}\n`))])
    expect((await desk.json('key list --as viewer')).items.find(mine)).toMatchObject({ revoked_at: expect.any(String) })
    const again = await desk.exo(`key revoke ${kid} --reason lost --as admin --json`)
    expect([again.code, again.json.error.code]).toEqual([1, 'resource.not_found'])

    // It fails for the lost vote, or still waits for another, as the run looked at its votes before or after.
    const { operation } = await desk.json(`approve ${signed} --as operator2`)
    expect(['failed', 'pending_approval']).toContain(operation.status)
    const id = await desk.waiting('attested again')
    expect((await desk.exo(`approve ${id} --as admin`)).out).toContain('attested by the API')
  })

  test("answers the key and when, and takes anybody's key back for an owner", async () => {
    const [{ kid }] = (await desk.json('key list --as viewer')).items.filter(
      (item: { revoked_at: string | null }) => item.revoked_at === null,
    )
    expect(await desk.json(`key revoke ${kid} --reason leaked --as owner`)).toEqual({
      kid,
      revoked_at: expect.stringMatching(/Z$/),
    })
  })

  test.each([
    ['without a reason', 'key revoke ok_0 --as operator'],
    ['without a key', 'key revoke --reason lost --as operator'],
    ['for what is no key id', 'key revoke ../operations --reason lost --as operator'],
    ['for a reason that says nothing', ['key', 'revoke', `ok_${'0'.repeat(40)}`, '--reason', '', '--as', 'operator']],
  ])('is not sent %s', async (_what, words) => {
    expect((await desk.exo(words)).code).toBe(2)
  })
})

/** A home with the same credentials and no keys. */
async function copyWithoutKeys(): Promise<string> {
  const { cp, mkdtemp } = await import('node:fs/promises')
  const home = await mkdtemp(join(desk.home, 'elsewhere-'))
  await cp(join(desk.home, 'credentials.json'), join(home, 'credentials.json'))
  return home
}

describe('exo lock and exo three-wise', () => {
  const draft = async (more: object = {}) => {
    const lock = { title: 'Tea', allowed_actions: ['note.append'], surface_id: 's_main', valid_until: UNTIL, ...more }
    return (await desk.tenant.as('agent').post('/strategy-locks', lock)).body
  }

  test('a lock is listed, shown and approved by what was read of it', async () => {
    const lock = await draft({ constraints: 'input.notebook == "inbox"' })
    expect((await desk.exo('lock list --status draft --as viewer')).out).toContain(`${lock.id}  draft  until 2090`)
    const shown = await desk.exo(`lock show ${lock.id} --as operator`)
    expect(shown.out).toMatch(/^draft {2}Tea {2}sl_/)
    expect(shown.out).toMatch(/only if +input\.notebook == "inbox"/)
    const other = await desk.exo(`lock approve ${lock.id} --reason read --content 00000000 --as operator --json`)
    expect(other.code).not.toBe(0)
    expect(other.json.error.code).toBe('cli.shown_mismatch')
    const own = await desk.exo(`lock approve ${lock.id} --reason read --as operator3 --json`)
    expect(own.json.error.code).toBe('approval.self')
    const content = lock.content_hash.slice(0, 12)
    const { code, out, err } = await desk.exo(
      `lock approve ${lock.id} --reason read --content ${content} --as operator2`,
    )
    expect([code, out]).toEqual([0, `approved  ${lock.id}\n`])
    expect(err).toContain(lock.content_hash)
    const rejected = await draft()
    expect((await desk.exo(`lock reject ${rejected.id} --reason no --as operator2`)).out).toBe(
      `rejected  ${rejected.id}\n`,
    )
  })

  test('a question is asked and answered, each reviewer once', async () => {
    const input = '{"notebook":"inbox","text":"tea"}'
    const words = ['three-wise', 'ask', 'Is tea wise?', '--action', 'note.append', '--input', input, '--as', 'agent']
    const asked = await desk.json(words)
    expect(asked).toMatchObject({ status: 'open', verdict: 'UNSURE' })
    const opine = `three-wise opine ${asked.id} --verdict APPROVE --reason tea --as operator2`
    expect((await desk.exo(opine)).out).toMatch(/^UNSURE {2}open {2}tw_[\s\S]+APPROVE +p_/)
    expect((await desk.exo(`${opine} --json`)).json.error.code).toBe('three_wise.state_conflict')
    expect((await desk.exo(`three-wise opine ${asked.id} --verdict YES --reason tea --as admin`)).code).toBe(2)
    expect((await desk.json(`three-wise show ${asked.id} --as viewer`)).opinions.length).toBe(1)
  })
})
