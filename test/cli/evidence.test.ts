import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Desk, openDesk } from './support/exo.ts'
import { until } from '../support/until.ts'
import { packBundle } from '../../verify/bundle-shape.ts'

let desk: Desk
/** Operations by how they ended. */
const ids = { executed: '', denied: '' }
const at = (name: string) => join(desk.home, name)

beforeAll(async () => {
  desk = await openDesk(inject('deployment'), 'evidence')
  ids.executed = await desk.waiting('to be proved')
  await desk.exo(`approve ${ids.executed} --as operator`)
  ids.denied = await desk.waiting('not to be')
  await desk.exo(`deny ${ids.denied} --reason no --as operator`)
  await desk.exo('trust --as viewer')
})
afterAll(() => desk?.close())

describe('exo bundle and exo history export', () => {
  test('write what was sealed, byte for byte, and never over a file that is there', async () => {
    const { code, json } = await desk.exo(`bundle ${ids.executed} -o a.zip --as auditor --json`)
    expect([code, json.file]).toEqual([0, 'a.zip'])
    const bundled = unzipSync(await readFile(at('a.zip')))['history.json']
    const history = await desk.exo(`history export ${ids.executed} -o h.json --as viewer`)
    expect(history.out).toMatch(/history of op_[0-9a-f]+: \d+ bytes, SHA-256 [0-9a-f]{64}/)
    expect(Buffer.from(bundled ?? []).equals(await readFile(at('h.json')))).toBe(true)
    const again = await desk.exo(`history export ${ids.executed} -o h.json --as viewer`)
    expect([again.code, again.err]).toEqual([2, expect.stringContaining('exists already')])
    expect((await desk.exo(`history export ${ids.executed} -o h.json --force --as viewer`)).code).toBe(0)
  })

  test('print to standard output, and then nothing else', async () => {
    const { out, err } = await desk.exo(`history export ${ids.executed} -o - --as viewer`)
    expect(out).toBe(await readFile(at('h.json'), 'utf8'))
    expect(err).toContain('SHA-256')
    expect((await desk.exo(`bundle ${ids.executed} -o - --json --as auditor`)).code).toBe(2)
  })

  test('exit with 3 while nothing is sealed, and with 1 for those who may not have it', async () => {
    const id = await desk.waiting('going on')
    const { code, json } = await desk.exo(`bundle ${id} --wait 0 --as auditor --json`)
    expect([code, json]).toEqual([3, { operation_id: id, state: 'sealing' }])
    expect((await desk.exo(`bundle ${ids.executed} --as viewer --json`)).json.error.code).toBe('auth.insufficient_role')
  })
})

describe('exo verify', () => {
  beforeAll(async () => {
    await desk.exo(`bundle ${ids.denied} -o b.zip --as auditor`)
  })

  test('passes what holds, and answers the same bytes in any order', async () => {
    const words = `--trust ${at('trust.json')}`
    const { code, out } = await desk.exo(`verify ${at('a.zip')} ${at('b.zip')} ${words}`)
    expect(out).toMatch(/PASS {2}2 bundles, \d+ checks\n$/)
    expect(code).toBe(0)
    const json = await desk.exo(`verify ${at('b.zip')} ${at('a.zip')} ${words} --json`)
    expect(json.out).toBe((await desk.exo(`verify ${at('a.zip')} ${at('b.zip')} ${words} --json`)).out)
    expect(json.out).not.toContain(desk.home)
    expect(json.json.runs.map((run: { operation_id: string }) => run.operation_id).toSorted()).toEqual(
      Object.values(ids).toSorted(),
    )
    expect((await desk.exo(`verify ${at('a.zip')} ${words} -v`)).out).toMatch(
      /PASS +replay\.commands +\d+ commands, byte for byte/,
    )
  })

  test('fails what was changed, and names the first divergence', async () => {
    const files = new Map(Object.entries(unzipSync(await readFile(at('a.zip')))))
    const text = Buffer.from(files.get('history.json') ?? []).toString('utf8')
    files.set('history.json', Buffer.from(text.replace(/"eventTime": *"2/, '"eventTime":"1')))
    await writeFile(at('forged.zip'), packBundle(files))
    const { code, out } = await desk.exo(`verify ${at('forged.zip')} --trust ${at('trust.json')}`)
    expect(code).toBe(1)
    expect(out).toMatch(/first divergence {2}structure\.\w+: /)
    expect(out).toMatch(/^FAIL {2}1 bundle/m)
  })

  test('never passes without a trust root; --self says in its first line what it is worth', async () => {
    const without = await desk.exo(`verify ${at('a.zip')} --json`)
    expect([without.code, without.json.verdict]).toEqual([1, 'UNTRUSTED'])
    const self = await desk.exo(`verify ${at('a.zip')} --self`)
    expect(self.code).toBe(0)
    expect(self.out).toMatch(/^NOTHING WAS AUTHENTICATED/)
    expect(self.out).toMatch(/^UNTRUSTED {2}1 bundle/m)
    expect((await desk.exo(`verify ${at('forged.zip')} --self`)).code).toBe(1)
  })

  test('nothing to verify is a failure, what cannot be read is a usage error', async () => {
    const words = `--trust ${at('trust.json')}`
    expect((await desk.exo(`verify ${at('keys-of-nobody')} ${words}`)).code).toBe(2)
    await desk.exo('key new --as admin')
    const empty = await desk.exo(`verify ${at('keys')} ${words}`)
    expect([empty.code, empty.out]).toEqual([1, 'FAIL  nothing to verify: no bundle was found\n'])
    expect((await desk.exo(`verify ${at('a.zip')} --trust ${at('a.zip')}`)).err).toContain('is no trust root')
    expect((await desk.exo(`verify ${at('a.zip')} ${words} --self`)).code).toBe(2)
    expect((await desk.exo('verify')).code).toBe(2)
  })
})

describe('exo replay --what-if', () => {
  test('tells the first gate that decides otherwise, over every bundle', async () => {
    await writeFile(at('stopped.json'), '{"facts":{"switches[0].state":"stopped"}}')
    const { code, json } = await desk.exo(`replay ${at('a.zip')} ${at('b.zip')} --what-if ${at('stopped.json')} --json`)
    expect([code, json.changed]).toEqual([0, 2])
    const executed = json.runs.find((run: { operation_id: string }) => run.operation_id === ids.executed)
    expect(executed).toMatchObject({
      pass: 'propose',
      gate: { name: 'kill_switch', was: 'allow' },
      outcome: { was: 'executed', becomes: 'blocked kill_switch.blocked' },
    })
  })

  test('lists what nobody recorded, and takes a control document', async () => {
    const policy = { budget: [{ scope: {}, threshold: '10', window_days: 7 }], not_required: [] }
    await writeFile(at('budget.json'), JSON.stringify({ policy }))
    const { out } = await desk.exo(`replay ${at('a.zip')} --what-if ${at('budget.json')}`)
    expect(out).toContain('nobody recorded budget.settled')
    await writeFile(at('same.json'), '{"policy":{}}')
    expect((await desk.exo(`replay ${at('a.zip')} --what-if ${at('same.json')}`)).out).toMatch(
      /^same .+executed\n\n0 of 1/,
    )
  })

  test('takes the control document as exo policy get prints it', async () => {
    await writeFile(at('policy.json'), (await desk.exo('policy get --as viewer')).out)
    const { code, out } = await desk.exo(`replay ${at('a.zip')} --what-if ${at('policy.json')}`)
    expect([code, out]).toEqual([0, expect.stringMatching(/^same .+executed\n/)])
  })

  test('refuses what is neither a change nor a bundle', async () => {
    await writeFile(at('neither.json'), '{"x":1}')
    expect((await desk.exo(`replay ${at('a.zip')} --what-if ${at('neither.json')}`)).code).toBe(2)
    const broken = await desk.exo(`replay ${at('trust.json')} --what-if ${at('stopped.json')} --json`)
    expect([broken.code, broken.json.error.code]).toEqual([1, 'cli.bundle_unreadable'])
    expect((await desk.exo(`replay ${at('a.zip')}`)).code).toBe(2)
  })
})

describe('exo audit', () => {
  test('an export verifies with the trust root, and is UNTRUSTED without', async () => {
    await writeFile(at('older.checkpoint'), (await desk.tenant.as('auditor').get<string>('/audit/checkpoint')).body)
    expect((await desk.exo('audit export --as auditor')).code).toBe(0)
    const { code, out } = await desk.exo(
      `audit verify audit.json --trust trust.json --checkpoint ${at('older.checkpoint')}`,
    )
    expect(out).toMatch(/PASS {2}older checkpoint +the first \d+ leaves are unchanged since/)
    expect(code).toBe(0)
    const without = await desk.exo('audit verify audit.json --json')
    expect([without.code, without.json.verdict]).toEqual([1, 'UNTRUSTED'])
  })

  test.each([
    ['a gap', (log: Log) => log.entries.splice(2, 1), 'leaves'],
    ['a leaf less', (log: Log) => log.entries.pop(), 'root'],
    ['leaves that changed places', (log: Log) => swap(log), 'root'],
    ['a leaf in another form', (log: Log) => respace(log), 'leaves'],
    ['another checkpoint', (log: Log) => (log.checkpoint = log.checkpoint.replace(/\n\d+\n/, '\n1\n')), 'root'],
    [
      'a signature that is none',
      (log: Log) => (log.checkpoint = log.checkpoint.replace(/.{6}\n$/, 'AAAA==\n')),
      'signature',
    ],
  ])('%s fails, by name', async (_what, change, check) => {
    const log = JSON.parse(await readFile(at('audit.json'), 'utf8')) as Log
    change(log)
    await writeFile(at('changed.json'), JSON.stringify(log))
    const { code, json } = await desk.exo('audit verify changed.json --trust trust.json --json')
    expect([code, json.verdict]).toEqual([1, 'FAIL'])
    expect(json.checks.find((each: { verdict: string }) => each.verdict === 'FAIL').name).toBe(check)
  })

  test('a log that was rewritten is not a continuation of the older one', async () => {
    const older = await readFile(at('older.checkpoint'), 'utf8')
    const [origin, size, , ...rest] = older.split('\n')
    await writeFile(at('other.checkpoint'), [origin, size, Buffer.alloc(32).toString('base64'), ...rest].join('\n'))
    const { code, out } = await desk.exo('audit verify audit.json --checkpoint other.checkpoint')
    expect([code, out]).toEqual([1, expect.stringContaining('the log was rewritten')])
  })

  test('fsck derives the tree of the log that runs, and says whose keys it took', async () => {
    const { code, out } = await desk.exo('audit fsck --as auditor')
    expect(code).toBe(0)
    expect(out).toMatch(/^the keys were taken from the deployment itself/)
    expect(out).toMatch(/^ +\d+ {2}operation\.sealed$/m)
    expect((await desk.exo('audit fsck --trust trust.json --as auditor')).out).toMatch(/^PASS {2}the log of t_evidence/)
    const refused = await desk.exo('audit fsck --as viewer --json')
    expect(refused.json.error.code).toBe('auth.insufficient_role')
  })

  test('reading it is a leaf', async () => {
    const read = await until('a leaf for the export', async () => {
      const { json } = await desk.exo('audit fsck --as auditor --json')
      return json.kinds['audit.read'] >= 2
    })
    expect(read).toBe(true)
  })
})

interface Log {
  entries: { seq: number; entry: string }[]
  checkpoint: string
}

function swap({ entries }: Log): void {
  const [first, second] = entries
  if (first !== undefined && second !== undefined) [first.entry, second.entry] = [second.entry, first.entry]
}

function respace({ entries }: Log): void {
  const [first] = entries
  if (first === undefined) return
  const leaf = JSON.parse(Buffer.from(first.entry, 'base64').toString('utf8'))
  first.entry = Buffer.from(JSON.stringify(leaf, null, 1)).toString('base64')
}
