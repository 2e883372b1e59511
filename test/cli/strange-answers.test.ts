import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FakeAnswer, type FakeApi, fakeApi } from './support/fake-api.ts'
import { MAIN, runExo } from './support/exo.ts'
import { makeOwnKey } from '../../cli/own-key.ts'
import { kindHash } from '../../domain/hash.ts'

let home: string
let api: FakeApi | null = null

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'exo-cli-'))
})
afterEach(async () => {
  await api?.close()
  api = null
})
afterAll(() => rm(home, { recursive: true, force: true }))

const ID = 'op_00000000000000000000000000000001'

const PROPOSE = ['propose', 'note.append', '--input', '{}', '--project', 'p_main']

async function exo(words: string, answer: (asked: string) => FakeAnswer) {
  api = await fakeApi(answer)
  return await runExo(home, [...words.split(' '), '--project', 'p_main'], {
    env: { EXO_URL: api.url, EXO_TOKEN: 'exo_token' },
  })
}

function envelope(code: string, status: number, details = {}): FakeAnswer {
  const error = {
    code,
    message: 'said so',
    http_status: status,
    gate: null,
    details,
    request_id: 'req_1',
    trace_id: null,
  }
  return { status, type: 'application/problem+json', body: { error, type: 'urn', title: code, status } }
}

function operation(more: object = {}) {
  const preview = { title: 'Post to https://example.com', fields: [{ label: 'body', value: '{}' }] }
  const intent = {
    operation_id: ID,
    tenant_id: 't_a',
    action: 'http.post',
    class: 'irreversible',
    target: 'https://example.com/',
  }
  return {
    id: ID,
    tenant_id: 't_a',
    status: 'pending_approval',
    action: 'http.post',
    action_version: 1,
    class: 'irreversible',
    run: 'execute',
    target: 'https://example.com/',
    input: {},
    estimated_cost: '0',
    reason: null,
    idempotency_key: 'k',
    requested_by: { principal_id: 'p_agent', kind: 'agent' },
    context: { project_id: 'p_main', request_id: 'req_0', trace_id: null },
    intent,
    intent_hash: kindHash('intent', intent),
    plan_hash: 'b'.repeat(64),
    preview,
    shown_hash: kindHash('shown', preview),
    decision_hash: null,
    passes: [],
    approval: {
      required: true,
      quorum: 2,
      tree: { of: [{ permission: 'decide' }, { permission: 'decide' }], n: 2 },
      assurance: 'self_signed',
      satisfied_by: null,
      license_id: null,
      expires_at: '2030-01-01T00:00:00Z',
      votes: [],
    },
    effect: null,
    error: null,
    undo_of: null,
    undone_by: null,
    resolved_by: null,
    temporal: { namespace: 'n', workflow_id: `t_a/${ID}`, run_id: null },
    links: { receipt: `/operations/${ID}/receipt`, bundle: `/operations/${ID}/bundle` },
    created_at: '2029-12-31T23:00:00Z',
    updated_at: '2029-12-31T23:00:00Z',
    ...more,
  }
}

describe('exit codes tell what the answer means', () => {
  test.each([
    ['effect.unknown', 504, 5],
    ['effect.failed', 502, 1],
    ['approval.denied', 403, 1],
    ['backend.unavailable', 503, 4],
    ['rate_limit.exceeded', 429, 4],
    ['audit.unavailable', 503, 1],
    ['some.code_of_tomorrow', 418, 1],
  ])('%s (%i) is %i', async (code, status, exit) => {
    const ran = await exo('propose note.append --input {} --json', () => envelope(code, status))
    expect([ran.code, ran.json.error.code]).toEqual([exit, code])
  })

  test('an operation that is unknown, or goes on, has a code of its own', async () => {
    const unknown = await exo(`show ${ID} --wait 0`, (asked) =>
      asked.includes('receipt') ? envelope('resource.not_found', 404) : { body: operation({ status: 'unknown' }) },
    )
    expect(unknown.code).toBe(5)
    const going = await exo('propose http.post --input {}', () => ({
      status: 202,
      body: operation({ status: 'executing' }),
    }))
    expect(going.code).toBe(3)
  })
})

describe('a refusal that a command lifts names it', () => {
  const selected = (kind: string, value: string | null) => ({ scope: 'global', selector: { kind, value } })
  const another = 'as a platform operator; another one approves'
  test.each([
    ['kill_switch.blocked', selected('all', null), `exo resume --global --reason WHY, ${another}`],
    [
      'kill_switch.blocked',
      selected('class', 'contained'),
      `exo resume --global --class contained --reason WHY, ${another}`,
    ],
    [
      'kill_switch.blocked',
      selected('provider', '$(reboot)'),
      `exo resume --global --provider WHICH --reason WHY, ${another}`,
    ],
    ['budget.threshold_missing', {}, 'exo policy get > policy.json, edit it, exo policy apply policy.json'],
    ['kpi.threshold_missing', {}, 'exo policy get > policy.json, edit it, exo policy apply policy.json'],
  ])('%s %j', async (code, details, next) => {
    const { err } = await exo('propose note.append --input {}', () => envelope(code, 403, details))
    expect(err).toMatch(/\n {2}next +exo /)
    expect(err).toContain(next)
  })

  test('a platform operator who stops without --global is told of it', async () => {
    const refused = envelope('auth.insufficient_role', 403, { required: ['a membership of the tenant'] })
    const { err } = await exo('stop --reason x', () => refused)
    expect(err).toMatch(/\n {2}next +add --global: platform operators/)
    const member = await exo('stop --global --reason x', () =>
      envelope('auth.insufficient_role', 403, { required: ['platform_operator'] }),
    )
    expect(member.err).not.toMatch(/\n {2}next/)
  })

  test('and no other does', async () => {
    const { err } = await exo('propose note.append --input {}', () => envelope('kpi.ceiling_breached', 403))
    expect(err).not.toMatch(/\n {2}next/)
  })
})

test('the example of an action with a target says so where none is allowed yet', async () => {
  const action = {
    name: 'http.post',
    class: 'irreversible',
    effect_kind: 'keyed',
    governs: false,
    title: 'Post',
    approval: null,
    input_schema: {},
    example: {},
  }
  const { out } = await exo('actions http.post', (asked) => ({
    body: asked.includes('egress') ? { items: [], next_cursor: null } : action,
  }))
  expect(out).toContain("exo propose http.post --input '{}' --target https://HOST/PATH\n  no target is allowed yet")
})

describe('nobody there, or somebody else', () => {
  test('no answer is 4, says where it asked, and how to repeat safely', async () => {
    const silent = createServer((socket) => socket.once('data', () => socket.destroy()))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const { code, err } = await runExo(home, PROPOSE, { env: { EXO_URL: url, EXO_TOKEN: 'exo_token' } })
    silent.close()
    expect(code).toBe(4)
    expect(err).toMatch(/It may have been accepted\. Repeat the command with --key cli_[0-9a-f]{24}/)
    expect(err).toContain(`${url} does not answer`)
    const broken = await exo(PROPOSE.join(' '), () => envelope('backend.unavailable', 503))
    expect([broken.code, broken.err]).toEqual([4, expect.stringContaining('It may have been accepted')])
  })

  test('what was never sent, or was turned away for its number, is not said to be accepted perhaps', async () => {
    const gone = await fakeApi(() => ({ body: {} }))
    await gone.close()
    const refused = await runExo(home, PROPOSE, { env: { EXO_URL: gone.url, EXO_TOKEN: 'exo_token' } })
    expect([refused.code, refused.err]).toEqual([4, expect.stringContaining('does not answer: ECONNREFUSED')])
    expect(refused.err).not.toContain('accepted')
    const limited = await exo(PROPOSE.join(' '), () => envelope('rate_limit.exceeded', 429))
    expect([limited.code, limited.err]).toEqual([4, expect.not.stringContaining('accepted')])
  })

  test('an address where nobody listens is told to programs as well', async () => {
    const env = { EXO_URL: 'http://127.0.0.1:9', EXO_TOKEN: 'exo_token' }
    const { json } = await runExo(home, ['list', '--project', 'p_main', '--json'], { env })
    expect(json.error).toMatchObject({ code: 'cli.unreachable', http_status: null, details: {} })
  })

  test('a page of somebody else is not an answer', async () => {
    const page = await exo('list', () => ({ type: 'text/html', body: '<h1>welcome</h1>' }))
    expect([page.code, page.err]).toEqual([4, expect.stringContaining('is not JSON')])
    const gateway = await exo('list', () => ({ status: 502, type: 'text/html', body: '<h1>\u001b[2J</h1>' }))
    expect([gateway.code, gateway.err]).toEqual([4, expect.stringContaining("that is not ExoArmur's")])
  })

  test('a redirect is not followed, so that the token goes nowhere else', async () => {
    const other = await fakeApi(() => ({ body: {} }))
    const ran = await exo('list', () => ({ status: 307, headers: { location: other.url }, body: '' }))
    await other.close()
    expect([ran.code, other.asked]).toEqual([4, []])
  })

  test.each(['ftp://example.com', 'http://user:secret@example.com', 'nonsense'])(
    'EXO_URL=%s is a usage error',
    async (url) => {
      const { code, err } = await runExo(home, ['list'], { env: { EXO_URL: url, EXO_TOKEN: 'x' } })
      expect(code).toBe(2)
      expect(err).not.toContain('secret')
    },
  )

  test('the trust root takes an address and no credential, and is shown none', async () => {
    const root = { v: 1 }
    api = await fakeApi(() => ({ body: root }))
    const elsewhere = { EXO_URL: 'http://127.0.0.1:9', EXO_TOKEN: 'exo_token' }
    for (const [more, env] of [
      [[], { EXO_URL: api.url }],
      [['--url', api.url], {}],
      [['--url', api.url], elsewhere],
    ] as const) {
      const { code, out } = await runExo(home, ['trust', '-o', '-', ...more], { env })
      expect([code, JSON.parse(out)]).toEqual([0, root])
    }
    expect(api.asked).toEqual(Array.from({ length: 3 }, () => 'GET /trust'))
    expect(api.requests.flatMap(({ headers }) => headers.authorization ?? [])).toEqual([])
    const nowhere = await runExo(home, ['trust', '-o', '-'])
    expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringContaining('Set EXO_URL')])
    expect((await runExo(home, ['trust', '-o', '-', '--url', 'nonsense'])).code).toBe(2)
  })

  test('EXO_TOKEN without an address, and one that is no header', async () => {
    expect((await runExo(home, ['list'], { env: { EXO_TOKEN: 'x' } })).err).toContain('Set EXO_URL')
    const broken = await runExo(home, ['list'], { env: { EXO_URL: 'http://127.0.0.1:9', EXO_TOKEN: 'a\nb' } })
    expect([broken.code, broken.err]).toEqual([2, expect.stringContaining('line breaks')])
  })

  test('the message of an answer cannot steer the terminal', async () => {
    const { err } = await exo('list', () => ({
      status: 403,
      body: { error: { code: 'x.y', message: 'a\u001b[2J\u202eb', details: { note: '\u0007' } } },
    }))
    expect(err).toContain('a<U+001B>[2J<U+202E>b')
    expect(err).toContain('note  <U+0007>')
  })
})

describe('a stream that breaks off', () => {
  const event = (cursor: string) => ({
    cursor,
    kind: 'operation.blocked',
    operation_id: ID,
    status: 'blocked',
    at: '2030-01-01T00:00:00Z',
  })
  const frame = (cursor: string) =>
    `: open\n\nid: ${cursor}\nevent: operation.blocked\ndata: ${JSON.stringify(event(cursor))}\n\n`

  test('is taken up again after the last event that was seen', async () => {
    let times = 0
    const { code, json, err } = await exo('events --limit 2 --json', () => ({
      type: 'text/event-stream',
      body: frame(`c${(times += 1)}`),
    }))
    expect([code, json]).toEqual([0, { items: [event('c1'), event('c2')], next_cursor: 'c2' }])
    expect(err).toContain('the stream broke off; again in 0.5 s, after the last event')
    expect(api?.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'c1'])
  })

  test('ends with the error when its cursor is gone, or when nobody ever answered', async () => {
    let times = 0
    const gone = await exo('events --json', () => {
      times += 1
      return times === 1 ? { type: 'text/event-stream', body: frame('c1') } : envelope('events.cursor_invalid', 410)
    })
    expect([gone.code, gone.json.error.code]).toEqual([1, 'events.cursor_invalid'])
    const env = { EXO_URL: 'http://127.0.0.1:9', EXO_TOKEN: 'exo_token' }
    expect((await runExo(home, ['events', '--project', 'p_main'], { env })).code).toBe(4)
  })
})

describe('a vote is over what was shown', () => {
  const CHANGED = { title: 'Post to https://evil.example', fields: [] }

  test('a preview or an intent that is not what its hash names is never voted on', async () => {
    for (const more of [
      { preview: CHANGED },
      { intent: { action: 'other' } },
      { class: 'reversible' },
      { tenant_id: 't_b' },
    ]) {
      const { code, json } = await exo(`approve ${ID} --json`, () => ({ body: operation(more) }))
      expect([code, json.error.code]).toEqual([1, 'cli.shown_mismatch'])
      expect(api?.asked).toEqual([`GET /operations/${ID}`])
      await api?.close()
    }
  })

  test('nobody approves what cannot be undone unasked: without a terminal it takes --yes', async () => {
    for (const words of [`approve ${ID}`, `approve ${ID} --json`]) {
      const { code, err, out } = await exo(words, () => ({ body: operation() }))
      expect([code, `${out}${err}`]).toEqual([2, expect.stringContaining('there is no terminal to ask at')])
      expect(api?.asked).toEqual([`GET /operations/${ID}`])
      await api?.close()
    }
  })

  test('a vote that is only printed takes no --yes', async () => {
    const { path, jwk } = await makeOwnKey(join(home, 'own.jwk'))
    const me = { principal: { id: 'p_x', kind: 'user' }, platform_role: null }
    const key = { kid: 'ok_x', principal_id: 'p_x', public_jwk: { x: jwk.x }, revoked_at: null }
    api = await fakeApi((asked) => ({
      body: asked.includes('auth/me')
        ? me
        : asked.includes('operator-keys')
          ? { items: [key], next_cursor: null }
          : operation(),
    }))
    const env = { EXO_URL: api.url, EXO_TOKEN: 'exo_token', EXO_KEY: path }
    const printed = await runExo(home, ['vote', ID, '--print', '--project', 'p_main'], { env })
    expect([printed.code, printed.out]).toEqual([0, expect.stringMatching(/^ey[\w.-]+\ntemporal workflow signal /)])
    const sent = await runExo(home, ['vote', ID, '--decision', 'approve', '--project', 'p_main'], { env })
    expect([sent.code, sent.err]).toEqual([2, expect.stringContaining('no terminal to ask at')])
  })

  test.each([`approve ${ID} --shown 123`, `lock approve sl_0 --reason r --content 1234567`])(
    '%s is too short to be seen by, and nothing is asked',
    async (words) => {
      const { code, err } = await exo(words, () => ({ body: operation() }))
      expect([code, err]).toEqual([2, expect.stringMatching(/is too short: it takes 8 digits or more of the hash/)])
      expect(api?.asked).toEqual([])
    },
  )

  test('what has no preview yet cannot be decided', async () => {
    const { json } = await exo(`approve ${ID} --json`, () => ({ body: operation({ preview: null, shown_hash: null }) }))
    expect(json.error.code).toBe('cli.nothing_shown')
  })

  test('the whole tree and the demanded signature are said, and both hashes are sent', async () => {
    const { out, err, code } = await exo(`approve ${ID} --yes`, (asked) => {
      if (asked.includes('auth/me')) return { body: { principal: { id: 'p_x', kind: 'user' }, platform_role: null } }
      if (asked.startsWith('POST'))
        return { body: { operation: operation(), vote: { by: 'p_x', decision: 'approve', counted: true, at: '' } } }
      return { body: operation() }
    })
    expect(code).toBe(0)
    expect(err).toContain(
      '2 approvals (0 given) of 2 different people who may decide, not the requester, signed with their own key',
    )
    expect(out).toContain('approved  Post to https://example.com  pending approval')
  })
})

describe('what is still needed', () => {
  const yes = (by: string) => ({
    by,
    assurance: 'attested',
    decision: 'approve',
    reason: null,
    counted: true,
    code: null,
  })
  const approval = { ...operation().approval, assurance: 'attested' }
  const owner = { permission: 'decide', role: 'owner' }
  test.each([
    [1, owner, 0, '1 approval of an owner, not'],
    [1, owner, 2, '1 approval (2 given; the seat that is left takes an owner) of an owner, not'],
    [2, { all: [owner, { permission: 'decide' }] }, 1, '2 approvals (1 given) of an owner and somebody who may'],
    [
      2,
      { all: [owner, { permission: 'decide' }] },
      2,
      '2 approvals (2 given; the seat that is left takes an owner) of',
    ],
    [2, { of: [{ permission: 'decide' }, { permission: 'decide' }], n: 2 }, 2, '2 approvals (2 given) of 2 different'],
  ])('of %i by %j with %i given', async (quorum, tree, given, words) => {
    const votes = ['p_a', 'p_b'].slice(0, given).map(yes)
    const waiting = operation({ approval: { ...approval, quorum, tree, votes } })
    const { out } = await exo('propose http.post --input {}', () => ({ status: 202, body: waiting }))
    expect(out).toContain(words)
  })
})

describe('output', () => {
  test('goes to a reader that leaves early without a complaint', async () => {
    const many = { items: Array.from({ length: 5_000 }, () => operation()), next_cursor: null }
    api = await fakeApi(() => ({ body: many }))
    const script = `{ "${process.execPath}" "${MAIN}" list --project p_main; echo "ended with $?" >&2; } | head -n 1`
    const env = { EXO_HOME: home, EXO_URL: api.url, EXO_TOKEN: 'exo_token', PATH: process.env.PATH ?? '' }
    const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', script], { env })
    expect([stdout.split('\n').length, stderr]).toEqual([2, 'ended with 0\n'])
  })

  test('is one document with --json also when the command line is wrong', async () => {
    for (const words of [['frob'], ['show'], ['approve', ID, '--frob'], ['key'], ['policy', 'nonsense']]) {
      const { code, json } = await runExo(home, [...words, '--json'])
      expect([code, json.error.code]).toEqual([2, 'cli.usage'])
    }
  })
})

describe('a command line that is wrong', () => {
  test.each([
    [['show'], "missing required argument 'id'", 'exo show --help says how.'],
    [['stop'], "required option '--reason <text>' not specified", 'exo stop --help says how.'],
    [['key', 'revoke', 'ok_0'], "required option '--reason <text>' not specified", 'exo key revoke --help says how.'],
    [['policy', 'nonsense'], "unknown command 'nonsense'", 'exo policy --help says how.'],
    [['frob'], "unknown command 'frob'", 'exo --help lists the commands.'],
  ])('%j is told what is wrong and which help to read', async (words, what, where) => {
    const { code, err } = await runExo(home, words)
    expect([code, err]).toEqual([2, `${what}\n  ${where}\n`])
  })
})

describe('help', () => {
  test('groups commands by what people do, with examples and the exit codes', async () => {
    const { code, out } = await runExo(home, ['--help'])
    expect(code).toBe(0)
    const places = ['Operate:', 'Approve:', 'Stop and govern:', 'Prove:', 'Run:', 'Exit codes:'].map((word) =>
      out.indexOf(word),
    )
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(out).toMatch(/\$ exo approve op_/)
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
  })

  test('marks the options that a command does not run without', async () => {
    expect((await runExo(home, ['stop', '--help'])).out).toMatch(/--reason <text> +why \(required\)\n/)
    expect((await runExo(home, ['approve', '--help'])).out).toMatch(/--reason <text> +why\n/)
  })

  test.each([[[]], [['propose']], [['replay']], [['policy', 'apply']]])(
    'of exo help with %j is what --help prints',
    async (words) => {
      const { code, out } = await runExo(home, ['help', ...words])
      expect([code, out]).toEqual([0, (await runExo(home, [...words, '--help'])).out])
    },
  )

  test('explains exit codes, addressing, output, and every command', async () => {
    expect((await runExo(home, ['help', 'exit-codes'])).out).toMatch(/3 +pending/)
    expect((await runExo(home, ['help', 'addressing'])).out).toContain('EXO_TOKEN')
    expect((await runExo(home, ['help', 'output'])).out).toContain('--json')
    expect((await runExo(home, ['help', 'policy', 'apply'])).out).toContain('Usage: exo policy apply')
    const nothing = await runExo(home, ['help', 'nonsense'])
    expect([nothing.code, nothing.err]).toEqual([2, expect.stringContaining('no help on nonsense')])
    expect((await runExo(home, ['propos'])).err).toContain('Did you mean propose?')
    expect((await runExo(home, ['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
