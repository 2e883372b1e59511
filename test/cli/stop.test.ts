import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Desk, openDesk } from './support/exo.ts'

let desk: Desk

beforeAll(async () => {
  desk = await openDesk(inject('deployment'), 'stop')
})
afterAll(() => desk?.close())

describe('exo stop, resume and switches', () => {
  test('a stop is immediate, and resuming takes another person', async () => {
    const stopped = await desk.exo(['stop', '--reason', 'the agent misbehaves', '--as', 'operator'])
    expect(stopped.code).toBe(0)
    expect(stopped.out).toMatch(/^STOPPED by the tenant switch: the agent misbehaves/)
    expect(stopped.out).toMatch(/drain of epoch \d+: drained, nothing was on its way/)
    const blocked = await desk.exo('propose note.append --field notebook=inbox --field text=no --as agent')
    expect(blocked.code).toBe(1)
    expect(blocked.err).toMatch(/^kill_switch\.blocked \(403\)/)
    expect(blocked.err).toMatch(/reason {4}the agent misbehaves/)
    expect(blocked.err).toMatch(/details {3}exo show op_\w+ --as agent\n/)
    const next = 'exo resume --reason WHY; another person approves'
    expect(blocked.err).toMatch(new RegExp(`next {6}${next}\n`))
    expect((await desk.exo('switches --as viewer')).out).toContain(`\n  ${next}\n`)

    const asked = await desk.exo('resume --reason again --as operator --json')
    expect([asked.code, asked.json.action]).toEqual([3, 'kill_switch.resume'])
    expect((await desk.exo(`approve ${asked.json.id} --as operator --json`)).json.error.code).toBe('approval.self')
    expect((await desk.exo(`approve ${asked.json.id} --as operator2`)).code).toBe(0)
    expect((await desk.exo('switches --as viewer')).out).toMatch(/^running\n/)
  })

  test('a part is stopped by action, provider and class, each a row', async () => {
    const words =
      'stop --action note.remove --provider api.example.com --class irreversible --reason partly --as operator --json'
    const { switches } = await desk.json(words)
    const stopped = switches.filter((row: { state: string }) => row.state === 'stopped')
    expect(stopped.map((row: { selector: object }) => row.selector)).toEqual([
      { kind: 'action', value: 'note.remove' },
      { kind: 'class', value: 'irreversible' },
      { kind: 'provider', value: 'api.example.com' },
    ])
    const { out } = await desk.exo('switches --as viewer')
    expect(out).toMatch(/^running, but for the rows that are stopped/)
    expect(out).toMatch(/tenant +provider api\.example\.com +stopped +epoch \d+/)
    const refused = await desk.exo('propose note.remove --field note_id=n_1 --as agent')
    expect(refused.err).toContain('next      exo resume --action note.remove --reason WHY; another person approves\n')
  })

  test('a hold is set by the role it names', async () => {
    const refused = await desk.exo('stop --action note.list --hold owner --reason held --as operator --json')
    expect([refused.code, refused.json.error.code]).toEqual([1, 'auth.insufficient_role'])
    expect((await desk.exo('stop --action note.list --hold owner --reason held --as owner')).out).toContain(
      'held by owner',
    )
    expect((await desk.exo('stop --hold nobody --reason held --as owner')).code).toBe(2)
  })

  test('the whole deployment belongs to platform operators', async () => {
    const refused = await desk.exo('stop --global --reason x --as owner --json')
    expect(refused.json.error.details.required).toEqual(['platform_operator'])
    const words = '--global --provider nowhere.example --reason rehearsal'.split(' ')
    expect((await desk.exo(['stop', ...words, '--as', 'platform_operator'])).code).toBe(0)
    expect((await desk.exo('switches --as platform_operator')).out).toMatch(/^running, but for the rows/)
    const asked = await desk.json(['resume', ...words, '--as', 'platform_operator'])
    const { err } = await desk.exo(['approve', asked.id, '--as', 'platform_operator2'])
    expect(err).toContain('another platform operator')
  })

  test('needs a reason, and knows the actions', async () => {
    expect((await desk.exo('stop --as operator')).code).toBe(2)
    expect((await desk.exo(['stop', '--reason', '', '--as', 'operator'])).code).toBe(2)
    const unknown = await desk.exo('stop --action no.such --reason x --as operator')
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('no.such is not an action')])
  })
})

describe('exo policy', () => {
  const file = () => join(desk.home, 'policy.json')

  test('what get prints does not differ from what holds', async () => {
    const { code, out } = await desk.exo('policy get --as viewer')
    expect(code).toBe(0)
    await writeFile(file(), out)
    expect((await desk.exo(`policy diff ${file()} --exit-code --as viewer`)).out).toMatch(
      /^no difference to version \d+\n$/,
    )
  })

  test('diff shows the rows that come and go, and leaves absent sections alone', async () => {
    await writeFile(file(), JSON.stringify({ budget: [{ scope: {}, threshold: '100' }], kill_switches: [] }))
    const { code, out } = await desk.exo(`policy diff ${file()} --exit-code --as viewer`)
    expect(code).toBe(1)
    expect(out).toContain('+ budget  {"scope":{},"threshold":"100"}')
    expect(out).toMatch(
      /- kill_switches {2}\{"scope":"tenant","selector":\{"kind":"all","value":null\},"state":"running"\}/,
    )
    expect(out).not.toContain('not_required')
    expect((await desk.exo(`policy diff ${file()} --as viewer`)).code).toBe(0)
  })

  test('apply asks for one change, which another person approves and then holds', async () => {
    const next = { budget: [{ scope: {}, threshold: '100' }], feature_flags: { sse_enabled: true } }
    await writeFile(file(), JSON.stringify(next))
    const asked = await desk.exo(`policy apply ${file()} --reason tidy --as owner`)
    expect(asked.code).toBe(3)
    expect(asked.out).toMatch(/budget +\(none\) → \{"scope":\{\},"threshold":"100","window_days":7\}/)
    const [id = ''] = /op_[0-9a-f]{32}/.exec(asked.out) ?? []
    await desk.exo(`approve ${id} --as operator2`)
    expect((await desk.exo(`policy diff ${file()} --exit-code --as viewer`)).code).toBe(0)
  })

  test('a file made from another version is a conflict', async () => {
    const held = await desk.json('policy get --as viewer')
    await writeFile(
      file(),
      JSON.stringify({ version: held.version - 1, policy: { feature_flags: { sse_enabled: false } } }),
    )
    expect((await desk.exo(`policy diff ${file()} --as viewer`)).out).toContain(
      `the file was made from version ${held.version - 1}`,
    )
    const { code, json } = await desk.exo(`policy apply ${file()} --reason late --as owner --json`)
    expect([code, json.error.code]).toEqual([1, 'policy.version_conflict'])
  })

  test('a file that was read before a stop resumes nothing', async () => {
    const { out } = await desk.exo('policy get --as owner')
    await writeFile(file(), out)
    expect((await desk.exo('stop --action note.remove --reason incident --as operator')).code).toBe(0)
    expect((await desk.exo(`policy diff ${file()} --as viewer`)).out).toContain('a switch was changed since')
    const { code, json } = await desk.exo(`policy apply ${file()} --reason late --as owner --json`)
    expect([code, json.error.code, json.error.details.base_epoch]).toEqual([
      1,
      'policy.version_conflict',
      JSON.parse(out).epoch,
    ])
  })

  test('a file that is no policy is a usage error', async () => {
    expect((await desk.exo('policy diff - --as viewer', { stdin: '{"switches":[]}' })).err).toContain(
      'sections that no policy has: switches',
    )
    expect((await desk.exo('policy diff - --as viewer', { stdin: '{"budget":[],"budget":[]}' })).err).toContain(
      'duplicate key',
    )
    expect((await desk.exo('policy apply - --as viewer', { stdin: '{}' })).err).toContain(
      "required option '--reason <text>'",
    )
    expect((await desk.exo('policy')).code).toBe(2)
  })
})
