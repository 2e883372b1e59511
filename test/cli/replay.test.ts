/** `exo replay` over the golden histories, which need no deployment. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runExo } from './support/exo.ts'

const HISTORIES = join(import.meta.dirname, '..', 'replay', 'histories')
const golden = (name: string) => join(HISTORIES, `note-append.${name}.zip`)

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'exo-replay-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function replay(change: unknown, paths = [golden('executed-by-votes')], more: string[] = []) {
  await writeFile(join(home, 'change.json'), JSON.stringify(change))
  return await runExo(home, ['replay', ...paths, '--what-if', 'change.json', ...more])
}

describe('exo replay --what-if', () => {
  test('does not count what was not recorded as another end, and says that it was not', async () => {
    const change = { facts: { 'switches[9].state': 'stopped' } }
    const { code, out } = await replay(change)
    expect(out).toMatch(/^same {5}op_\w+ {2}executed\n {2}nobody recorded switches\[9\]\.state, and no gate needs it\n/)
    expect(out).toMatch(/\n0 of 1 would have ended otherwise\n$/)
    expect(code).toBe(0)
    const { json } = await replay(change, undefined, ['--json'])
    expect([json.changed, json.runs[0].missing, json.runs[0].needed]).toEqual([0, ['switches[9].state'], []])
  })

  test('names what a gate blocks for want of', async () => {
    const budget = [{ scope: {}, threshold: '10', window_days: 7 }]
    const { out } = await replay({ policy: { budget, not_required: [] } })
    expect(out).toContain('budget: not_applicable → block budget.unavailable')
    expect(out).toContain('nobody recorded budget.settled, and a gate blocks without it')
    expect((await replay({ policy: { budget } })).out).toContain('nobody recorded budget.settled, and no gate needs it')
  })

  test.each([
    [{ policy: { foo: [] } }, 'policy has no section foo; its sections are kill_switches'],
    [{ policy: { budget: 'x' } }, 'policy.budget is not a list'],
    [{ facts: { swiches: [] } }, 'there is no fact swiches; the facts are v, now'],
    [{ facts: { not_required: [] } }, 'there is no fact not_required'],
  ])('%j is a usage error that names it', async (change, why) => {
    const { code, err } = await replay(change)
    expect([code, err]).toEqual([2, expect.stringContaining(why)])
  })

  test('a bundle that cannot be read is named, and the others are decided all the same', async () => {
    const folder = join(home, 'folder')
    await mkdir(folder)
    await writeFile(join(folder, 'a.zip'), (await readFile(golden('denied'))).subarray(0, 300))
    await copyFile(golden('executed-by-votes'), join(folder, 'b.zip'))
    const { code, out } = await replay({ facts: {} }, [folder])
    expect(out).toMatch(/^same {5}op_\w+ {2}executed\nunread {3}.+a\.zip {2}the archive cannot be unpacked\n/)
    expect(out).toMatch(/\n0 of 1 would have ended otherwise\n1 could not be decided again\n$/)
    expect(code).toBe(1)
    const { json } = await replay({ facts: {} }, [folder], ['--json'])
    expect([json.runs.length, json.undecided]).toEqual([
      1,
      [{ path: join(folder, 'a.zip'), message: 'the archive cannot be unpacked' }],
    ])
  })

  test('the examples of its help end the operation as they stand there', async () => {
    const { out } = await runExo(home, ['replay', '--help'])
    const examples = [...out.matchAll(/^ {2}(\{"\w+": .+\})$/gm)].map(([, json = '']) => JSON.parse(json) as unknown)
    const ends = await Promise.all(examples.map(async (change) => (await replayed(change)).becomes))
    expect(ends).toEqual(['blocked kill_switch.blocked', 'blocked budget.unavailable'])
  })
})

async function replayed(change: unknown): Promise<{ becomes: string }> {
  const file = join(home, `${Object.keys(change as object).join('')}.json`)
  await writeFile(file, JSON.stringify(change))
  const { json } = await runExo(home, ['replay', golden('executed-by-votes'), '--what-if', file, '--json'])
  return json.runs[0].outcome
}
