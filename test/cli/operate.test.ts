import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Desk, openDesk, runExo } from './support/exo.ts'
import { GOVERNING_ACTIONS } from '../../domain/governs.ts'
import { notRequired } from '../support/opening.ts'
import { Receiver } from '../support/receiver.ts'

let desk: Desk

beforeAll(async () => {
  desk = await openDesk(inject('deployment'), 'operate')
})
afterAll(() => desk?.close())

describe('exo propose', () => {
  test('waits for people with exit 3 and says what to type next', async () => {
    const { code, out } = await desk.exo('propose note.append --field notebook=inbox --field text=hi --as agent')
    expect(code).toBe(3)
    expect(out).toContain('pending approval  Append a note to inbox')
    expect(out).toMatch(/approve {4}exo approve op_[0-9a-f]{32} --as WHO/)
    expect(out).toContain('--wait 600 --as agent')
  })

  test('takes its input from a file, from standard input, and field by field', async () => {
    const file = join(desk.home, 'note.json')
    await writeFile(file, '{"notebook":"file","text":"from a file"}')
    const run = ['--run', 'propose', '--as', 'agent']
    const fromFile = await desk.json(['propose', 'note.append', '--input', `@${file}`, ...run])
    expect(fromFile).toMatchObject({ status: 'proposed', input: { notebook: 'file', text: 'from a file' } })
    const fromStdin = await desk.json(['propose', 'note.append', '--input', '-', '--field', 'text=changed', ...run], {
      stdin: '{"notebook":"stdin","text":"before"}',
    })
    expect(fromStdin.input).toEqual({ notebook: 'stdin', text: 'changed' })
    const fields = [
      '--field',
      'notebook=a',
      '--field',
      'text=b=c',
      '--field',
      'labels.n:=3',
      '--field',
      'labels.deep.er=x',
    ]
    const fromFields = await desk.json(['propose', 'note.append', ...fields, ...run])
    expect(fromFields.input).toEqual({ notebook: 'a', text: 'b=c', labels: { n: 3, deep: { er: 'x' } } })
  })

  test('passes cost, reason, quorum and expiry on', async () => {
    const id = await desk.waiting('with everything', [
      '--cost',
      '1.5',
      '--reason',
      'because',
      '--quorum',
      '2',
      '--expires-in',
      '60',
    ])
    const shown = await desk.json(`show ${id} --as viewer`)
    expect(shown).toMatchObject({ estimated_cost: '1.5', reason: 'because', approval: { quorum: 2 } })
    expect(Date.parse(shown.approval.expires_at) - Date.parse(shown.created_at)).toBeLessThan(62_000)
  })

  test('finds the same operation under the same key', async () => {
    const words = 'propose note.append --field notebook=inbox --field text=once --key key-of-mine --as agent'
    const first = await desk.json(words)
    expect((await desk.json(words)).id).toBe(first.id)
    const other = await desk.exo(`${words} --field text=twice --json`)
    expect([other.code, other.json.error.code]).toEqual([1, 'idempotency.conflict'])
  })

  test('with --wait ends as the operation ends', async () => {
    const words = 'propose note.append --field notebook=inbox --field text=waited --wait 30 --as agent'
    const asked = desk.exo(`${words} --key wait-well --json`)
    await approveWhenThere('wait-well')
    expect(await asked).toMatchObject({ code: 0, json: { status: 'executed' } })
    const denied = desk.exo(`${words} --key wait-badly --json`)
    const id = await whenThere('wait-badly')
    await desk.exo(['deny', id, '--reason', 'no', '--as', 'operator'])
    expect(await denied).toMatchObject({
      code: 1,
      json: { error: { code: 'approval.denied', details: { operation_id: id } } },
    })
  })

  test('answers an observing action at once', async () => {
    const { code, json } = await desk.exo('propose note.list --field notebook=nowhere --as member --json')
    expect([code, json]).toEqual([0, { action: 'note.list', action_version: 1, result: { items: [] } }])
  })

  test('tells every fault of the body by its place', async () => {
    const { code, err } = await desk.exo('propose note.append --field notebook=inbox --as agent')
    expect(code).toBe(1)
    expect(err).toContain('validation.error (400)')
    expect(err).toMatch(/\/input\/text {2}is missing\n/)
    expect(err).toMatch(/request {6}cli_/)
  })

  test.each([
    ['propose note.append --input {', 'is not JSON'],
    ['propose note.append --input {"a":1,"a":2}', 'duplicate key'],
    ['propose note.append --input []', 'not an object'],
    ['propose note.append --input @missing.json', 'missing.json cannot be read (ENOENT)'],
    ['propose note.append --field novalue', 'has no name and value'],
    ['propose note.append --field a:={', 'is not JSON'],
    ['propose note.append --quorum six', 'whole number from 1 to 5'],
    ['propose note.append --as agent --frob', "unknown option '--frob'"],
    ['propose', "missing required argument 'action'"],
  ])('%s is a usage error and sends nothing', async (words, message) => {
    const { code, err, out } = await desk.exo(`${words} --as agent`)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
    const { json } = await desk.exo(`${words} --as agent --json`)
    expect(json.error).toMatchObject({ code: 'cli.usage', http_status: null })
  })
})

/** The id of the operation that waits under a key. */
async function whenThere(key: string): Promise<string> {
  for (;;) {
    const { items } = await desk.json('inbox --as operator')
    const found = items.find((item: { idempotency_key: string }) => item.idempotency_key === key)
    if (found !== undefined) return found.id as string
  }
}

async function approveWhenThere(key: string): Promise<void> {
  await desk.exo(['approve', await whenThere(key), '--as', 'operator'])
}

describe('exo show', () => {
  test('tells an executed operation as one story: gates, vote, effect, receipt, Temporal run', async () => {
    const id = await desk.waiting('a story')
    await desk.exo(['approve', id, '--reason', 'fine by me', '--as', 'operator'])
    const { code, out } = await desk.exo(`show ${id} --wait 20 --as viewer`)
    expect(code).toBe(0)
    const order = [
      'executed  Append a note to inbox',
      'asked',
      'pass propose',
      'kill_switch    allow',
      'audit          allow',
      'vote',
      'reason: fine by me',
      'pass resume',
      'pass guard',
      'effect     committed (transactional, 1 attempt)',
      'ended      executed',
      'receipt',
      `temporal  ${desk.tenant.id}/${id}`,
    ]
    const places = order.map((words) => out.indexOf(words))
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  })

  test('shows a blocked operation with the gate that blocked', async () => {
    await desk.exo(['stop', '--action', 'note.append', '--reason', 'for a test', '--as', 'operator'])
    const blocked = await desk.exo('propose note.append --field notebook=inbox --field text=no --as agent --json')
    expect([blocked.code, blocked.json.error.code]).toEqual([1, 'kill_switch.blocked'])
    const { out, code } = await desk.exo(`show ${blocked.json.error.details.operation_id} --as viewer`)
    expect(code).toBe(0)
    expect(out).toMatch(/kill_switch +BLOCK +kill_switch\.blocked/)
    expect(out).toContain('none: nothing was claimed')
    const resumed = await desk.json('resume --action note.append --reason again --as operator')
    await desk.exo(`approve ${resumed.id} --as operator2`)
  })

  test('does not tell absent from foreign, and knows an id when it sees one', async () => {
    const absent = await desk.exo('show op_00000000000000000000000000000000 --as viewer')
    expect(absent.code).toBe(1)
    expect(absent.err).toContain('resource.not_found (404)')
    expect((await desk.exo('show nonsense --as viewer')).code).toBe(2)
  })
})

describe('what was done can be taken back', () => {
  test('cancel ends what nobody approved, once and for all, and refuses what was done', async () => {
    const id = await desk.waiting('to be cancelled')
    for (let times = 0; times < 2; times++) {
      const { code, out } = await desk.exo(`cancel ${id} --reason enough --as agent`)
      expect([code, out]).toEqual([0, `cancelled  ${id}\n`])
    }
    const done = await desk.waiting('done')
    await desk.exo(`approve ${done} --as operator`)
    const late = await desk.exo(`cancel ${done} --reason enough --as agent --json`)
    expect([late.code, late.json.error.code]).toEqual([1, 'operation.not_cancellable'])
  })

  test('undo asks for an operation of its own', async () => {
    const id = await desk.waiting('to be undone')
    await desk.exo(`approve ${id} --as operator`)
    const { code, json } = await desk.exo(`undo ${id} --reason mistaken --as agent --json`)
    expect([code, json.undo_of, json.action]).toEqual([3, id, 'note.remove'])
    await desk.exo(`approve ${json.id} --as operator`)
    expect((await desk.exo(`show ${id} --as viewer`)).out).toContain(`undone by  ${json.id}`)
  })
})

describe('exo resolve', () => {
  test('follows an effect that nobody could tell from the proposal to its settling', async () => {
    const receiver = await Receiver.start()
    try {
      const target = ['http.post', '--target', `${receiver.origin}/status/503`]
      const refused = await desk.exo(['propose', ...target, '--field', 'body.order:=17', '--as', 'owner'])
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('egress.target_forbidden')])

      const more = { egress: [{ origin: receiver.origin, methods: ['POST'], idempotency_header: null }] }
      await desk.tenant.policy({ ...more, not_required: notRequired('reversible', 'irreversible') })
      const { json: asked } = await desk.exo([
        'propose',
        ...target,
        '--field',
        'body.order:=17',
        '--as',
        'owner',
        '--json',
      ])
      await desk.exo(`approve ${asked.id} --as operator --yes`)
      const voted = await desk.exo(`approve ${asked.id} --as operator2 --yes`)
      expect(voted.out).toContain('unknown')
      const shown = await desk.exo(`show ${asked.id} --wait 30 --as viewer`)
      expect(shown.code).not.toBe(0)
      expect(shown.out).toContain('unknown (blind, 1 attempt)')
      expect(shown.out).toContain('effect.unknown')
      const unsettled = async () => (await desk.exo('inbox --as operator')).out.includes(`exo resolve ${asked.id}`)
      expect(await unsettled()).toBe(true)

      const evidence = ['--evidence', '{"ledger":"line 4"}', '--reason', 'looked']
      const wrong = await desk.exo(['resolve', asked.id, '--outcome', 'maybe', ...evidence, '--as', 'owner'])
      expect(wrong.code).toBe(2)
      const settling = await desk.exo([
        'resolve',
        asked.id,
        '--outcome',
        'not_committed',
        ...evidence,
        '--as',
        'owner',
        '--json',
      ])
      expect([settling.code, settling.json.action]).toEqual([3, 'operation.resolve'])
      await desk.exo(`approve ${settling.json.id} --as operator --yes`)
      await desk.exo(`approve ${settling.json.id} --as operator2 --yes`)
      expect((await desk.exo(`show ${asked.id} --as viewer`)).out).toContain(`resolved by  ${settling.json.id}`)
      expect(await unsettled()).toBe(false)
    } finally {
      await receiver.stop()
    }
  })
})

describe('lists', () => {
  test('exo list pages, filters and prints a line an operation', async () => {
    const page = await desk.json('list --limit 1 --action note.append --as viewer')
    expect(page.items).toHaveLength(1)
    const next = await desk.exo([
      'list',
      '--limit',
      '1',
      '--action',
      'note.append',
      '--cursor',
      page.next_cursor,
      '--as',
      'viewer',
    ])
    expect(next.out).toMatch(/^op_[0-9a-f]{32} {2}.+note\.append {2}Append a note/)
    const wrong = await desk.exo(['list', '--cursor', page.next_cursor, '--as', 'viewer', '--json'])
    expect([wrong.code, wrong.json.error.code]).toEqual([1, 'operations.cursor_invalid'])
  })

  test('exo actions lists them all, and one with its input and an example to type', async () => {
    const all = await desk.exo('actions --as viewer')
    expect(all.out).toMatch(/^note\.append +reversible +1 approval +undone by note\.remove/m)
    const one = await desk.exo('actions note.append --as viewer')
    expect(one.out).toContain(`exo propose note.append --input '{"notebook":"inbox"`)
    expect((await desk.exo('actions no.such --as viewer')).code).toBe(1)
  })

  test('exo actions names what each governing action is asked for by, and it is there', async () => {
    const { paths } = (await desk.tenant.as('viewer').get<{ paths: Record<string, object> }>('/openapi.json')).body
    const { items } = await desk.json('actions --as viewer')
    const names = items.filter(({ governs }: { governs: boolean }) => governs).map(({ name }: { name: string }) => name)
    expect(names.toSorted()).toEqual([...GOVERNING_ACTIONS].toSorted())
    const { out } = await desk.exo('actions --as viewer')
    for (const name of names) {
      const [, way = ''] = new RegExp(`^${name} .+ by (exo|(?:PUT|POST) [^| ]+)`, 'm').exec(out) ?? []
      const [method = '', path = ''] = way.split(' ')
      if (way !== 'exo') expect(paths[path], name).toHaveProperty(method.toLowerCase())
    }
    expect((await desk.exo('actions tenant.create --as viewer')).out).toMatch(/asked for by POST \/tenants\n$/)
    expect((await desk.exo('actions kill_switch.resume --as viewer')).out).toMatch(/by exo resume --reason WHY\n$/)
    expect((await desk.exo('actions budget_policy.put --as viewer')).out).toMatch(/by PUT \/budget\/policy; or in the/)
  })

  test('exo actions gives an example with a target, where the action takes one', async () => {
    const origin = 'https://api.example.com'
    await desk.tenant.policy({ egress: [{ origin, methods: ['POST'], idempotency_header: null }] })
    const { out } = await desk.exo('actions http.post --as viewer')
    expect(out).toContain(`exo propose http.post --input '{"body":{"order":17}}' --target ${origin}/\n`)
  })

  test('exo notes shows what was written', async () => {
    const id = await desk.waiting('kettle')
    await desk.exo(`approve ${id} --as operator`)
    expect((await desk.exo('notes inbox --as viewer')).out).toMatch(new RegExp(`${id}\\n {2}text {2}kettle`))
    expect((await desk.exo('notes empty --as viewer')).out).toBe('no notes in empty\n')
  })

  test('exo whoami says who and what one may, for members and for the platform', async () => {
    expect((await desk.exo('whoami --as viewer')).out).toMatch(/user viewer[\s\S]*viewer: read/)
    expect((await desk.json('whoami --as platform_operator')).platform_role).toBe('platform_operator')
  })
})

describe('exo events', () => {
  test('follows one operation to its end, whose status is the exit code', async () => {
    const id = await desk.waiting('followed')
    const following = desk.exo(`events ${id} --as viewer`, {
      onOutput: (out) => {
        if (out.includes('pending_approval') && !out.includes('denied')) void denyOnce(id)
      },
    })
    const { code, out } = await following
    expect(code).toBe(1)
    const kinds = [...out.matchAll(/Z {2}(\S+)/g)].map((match) => match[1])
    expect(kinds).toEqual(['operation.evaluating', 'operation.pending_approval', 'vote.accepted', 'operation.denied'])
  })

  const denied = new Set<string>()
  async function denyOnce(id: string): Promise<void> {
    if (denied.has(id)) return
    denied.add(id)
    await desk.exo(['deny', id, '--reason', 'seen enough', '--as', 'operator'])
  }

  test('goes on after the cursor it is given, and refuses a foreign one', async () => {
    const { items } = await desk.json('events --no-follow --limit 4 --as viewer')
    const after = await desk.json(['events', '--after', items[1].cursor, '--limit', '2', '--as', 'viewer'])
    expect(after.items.map((event: { cursor: string }) => event.cursor)).toEqual([items[2].cursor, items[3].cursor])
    const foreign = await desk.exo('events --after bm8.AAAA --as viewer --json')
    expect([foreign.code, foreign.json.error.code]).toEqual([1, 'events.cursor_invalid'])
  })

  test('prints lines of JSON as they come, and ends with 130 on Ctrl-C', async () => {
    const { items } = await desk.json('events --no-follow --limit 2 --as viewer')
    let told = false
    const { code, out } = await desk.exo(['events', '--after', items[0].cursor, '--lines', '--as', 'viewer'], {
      onOutput: (_out, signal) => {
        if (!told) signal('SIGINT')
        told = true
      },
    })
    expect(code).toBe(130)
    expect(JSON.parse(out.split('\n')[0] ?? '')).toEqual(items[1])
  })
})

describe('who is calling', () => {
  test('nobody in particular is shown the choices', async () => {
    const { code, err } = await desk.exo('whoami')
    expect(code).toBe(2)
    expect(err).toContain('Choose with --as')
    expect(err).toContain('{owner,admin,operator')
    expect((await desk.exo('whoami --as nobody')).err).toContain('names nobody')
    expect((await desk.exo('whoami --as t_elsewhere/owner')).code).toBe(2)
  })

  test('--as takes tenant/name, EXO_URL and EXO_TOKEN take its place', async () => {
    const { id } = desk.tenant
    expect((await desk.exo(`whoami --as ${id}/owner`)).code).toBe(0)
    const env = { EXO_URL: inject('deployment').url, EXO_TOKEN: desk.tenant.as('viewer').token ?? '' }
    expect((await runExo(desk.home, ['list', '--json'], { env })).code).toBe(0)
    const platform = { ...env, EXO_TOKEN: inject('deployment').credentials.platform_operator }
    expect((await runExo(desk.home, ['switches', '--json'], { env: platform })).code).toBe(0)
    const wrong = await runExo(desk.home, ['list', '--json'], { env: { ...env, EXO_TOKEN: 'exo_000000000000_wrong' } })
    expect([wrong.code, wrong.json.error.code]).toEqual([1, 'auth.invalid'])
  })

  test('the context that is asked for is the one that is sent', async () => {
    const project = await desk.exo('list --project p_elsewhere --as viewer --json')
    expect(project.json.error).toMatchObject({ code: 'context.not_found', details: { field: 'X-Project-Id' } })
    const surface = await desk.exo('list --surface s_elsewhere --as viewer --json')
    expect(surface.json.error.details.field).toBe('X-Surface-Id')
    const mode = await desk.exo([
      'propose',
      'note.append',
      '--input',
      '{}',
      '--mode',
      'saas',
      '--as',
      'agent',
      '--json',
    ])
    expect(mode.json.error.code).toBe('mode.mismatch')
    const tenant = await desk.exo('list --tenant t_other --as viewer --json')
    expect(tenant.json.error.code).toBe('auth.tenant_mismatch')
  })
})
