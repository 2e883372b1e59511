import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Lock, lockWhenFree, tryLock } from '../../../bin/stack/lock.ts'
import { identityOf, isAlive } from '../../../bin/stack/process-identity.ts'

let dir: string
let path: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'exo-lock-'))
  path = join(dir, 'the.lock')
})
afterEach(() => rmSync(dir, { recursive: true }))

const take = (): Lock => {
  const outcome = tryLock(path)
  if (!('release' in outcome)) throw new Error(`held by ${outcome.pid}`)
  return outcome
}

describe('a lock file', () => {
  it('names its holder to the second taker', () => {
    take()
    expect(tryLock(path)).toMatchObject({ pid: process.pid })
  })

  it('can be taken again once it is released, and leaves nothing behind', () => {
    take().release()
    take().release()
    expect(readdirSync(dir)).toEqual([])
  })

  it('is broken when its holder was killed', async () => {
    const child = spawn('sleep', ['60'])
    writeFileSync(path, JSON.stringify(identityOf(child.pid ?? 0)))
    expect(tryLock(path)).toMatchObject({ pid: child.pid })
    child.kill('SIGKILL')
    await once(child, 'exit')
    take().release()
  })

  it('is broken when its pid went to another process', () => {
    writeFileSync(path, JSON.stringify({ pid: process.pid, started: '1' }))
    take().release()
  })

  it('is broken when its content makes no sense', () => {
    writeFileSync(path, 'not a lock')
    take().release()
  })

  it('does not release what another process took meanwhile', () => {
    const first = take()
    writeFileSync(path, JSON.stringify({ ...identityOf(process.pid), nonce: 'another' }))
    first.release()
    expect(tryLock(path)).toMatchObject({ pid: process.pid })
  })

  it('is handed to the one who waits, who is told once who holds it', async () => {
    const first = take()
    const holders: number[] = []
    const waiting = lockWhenFree(path, ({ pid }) => {
      holders.push(pid)
      first.release()
    })
    const second = await waiting
    expect(holders).toEqual([process.pid])
    second.release()
  })
})

describe('the identity of a process', () => {
  it('differs from that of a process with the same pid and another start', () => {
    expect(isAlive(identityOf(process.pid))).toBe(true)
    expect(isAlive({ pid: process.pid, started: '1' })).toBe(process.platform !== 'linux')
  })
})
