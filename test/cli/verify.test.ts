/** How `exo verify` tells people about what is no bundle; what it makes of those that are is in evidence.test.ts. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runExo } from './support/exo.ts'

const HISTORIES = join(import.meta.dirname, '..', 'replay', 'histories')

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'exo-verify-'))
  for (const [name, history, size] of [
    ['b.zip', 'denied', 300],
    ['c.zip', 'expired', 400],
  ] as const) {
    const whole = await readFile(join(HISTORIES, `note-append.${history}.zip`))
    await writeFile(join(home, name), whole.subarray(0, size))
  }
})
afterAll(() => rm(home, { recursive: true, force: true }))

test('exo verify names the file that cannot be read, and says once why', async () => {
  const { code, out } = await runExo(home, ['verify', 'b.zip', 'c.zip', '--self'])
  expect(code).toBe(1)
  const heads = [...out.matchAll(/^FAIL {2}(unreadable:[0-9a-f]{16}) {2}(.+)$/gm)].map(([, id, path]) => [id, path])
  expect(heads.map(([, path]) => path).toSorted()).toEqual(['b.zip', 'c.zip'])
  expect(new Set(heads.map(([id]) => id)).size).toBe(2)
  const block = out.slice(out.indexOf(heads[0]?.[0] ?? ''), out.indexOf(heads[1]?.[0] ?? ''))
  expect(block).toMatch(
    /^.+\n {2}FAIL +structure\.files +the archive cannot be unpacked\n {2}FAIL +log\.fork .+\n {2}and \d+ more for the same reason; -v names them\n {2}first divergence {2}structure\.files: the archive cannot be unpacked\n/,
  )
  const verbose = await runExo(home, ['verify', 'b.zip', '--self', '-v'])
  expect(verbose.out).toMatch(/FAIL +leaves\.\w+ +the archive cannot be unpacked/)
  const { json } = await runExo(home, ['verify', 'b.zip', 'c.zip', '--self', '--json'])
  expect(JSON.stringify(json)).not.toMatch(/[bc]\.zip/)
})
