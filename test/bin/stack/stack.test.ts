import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GetBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { describeStack, type PartName, type RunningStack, startStack } from '../../../bin/stack/index.ts'
import { nobody } from '../../../bin/stack/postgres-user.ts'
import { isAlive } from '../../../bin/stack/process-identity.ts'
import { readState } from '../../../bin/stack/state.ts'
import { temporalAnswers } from '../../../bin/stack/temporal-probe.ts'

// On a machine without the programs the first start builds them, which takes minutes.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 15 * 60_000 })

const lines: string[] = []
const base = mkdtempSync(join(tmpdir(), 'exo-stack-'))
// Root runs PostgreSQL as somebody else, who has to pass through here.
chmodSync(base, 0o711)
const home = join(base, 'one')
const start = (at: string): Promise<RunningStack> =>
  startStack({ home: at, progress: (line) => lines.push(line), headless: true })

let stack: RunningStack
beforeAll(async () => {
  stack = await start(home)
})
afterAll(async () => {
  await stack.stop()
  rmSync(base, { recursive: true, force: true })
})

const part = (name: PartName) => {
  const found = stack.parts().find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`no part ${name}`)
  return found
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

function bucketClient(): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = stack.addresses.s3
  return new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true })
}

/** Resolves when a part runs under another pid, which is announced by `onChange`. */
function anotherPid(name: PartName, before: number | null): Promise<void> {
  return new Promise((resolve) =>
    stack.onChange(() => {
      const now = readState(home)?.running[name]
      if (now !== undefined && now.pid !== before && isAlive(now)) resolve()
    }),
  )
}

describe('a running stack', () => {
  it('lets every role in, none of them with more than a role needs', async () => {
    const { roles } = stack.addresses.postgres
    for (const [role, url] of Object.entries(roles)) {
      expect(await query(url, 'select current_user::text as role')).toEqual([{ role }])
    }
    const powers = 'rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication'
    const names = Object.keys(roles).map((role) => `'${role}'`)
    const sql = `select rolname from pg_roles where rolname in (${names.join()}) and (${powers})`
    expect(await query(roles.auditor, sql)).toEqual([])
  })

  it('refuses a wrong password', async () => {
    const url = new URL(stack.addresses.postgres.roles.app)
    url.password = 'wrong'
    await expect(query(url.href, 'select 1')).rejects.toThrow(/password authentication failed/)
  })

  it('has durable commits, the builtin locale and vectors', async () => {
    const url = stack.addresses.postgres.ownerUrl
    const settings = "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit') order by 1"
    expect(await query(url, settings)).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'synchronous_commit', setting: 'on' },
    ])
    const locale = 'select datlocale, datlocprovider from pg_database where datname = current_database()'
    expect(await query(url, locale)).toEqual([{ datlocale: 'C.UTF-8', datlocprovider: 'b' }])
    expect(await query(url, "select '[1,2]'::vector <-> '[1,4]'::vector as distance")).toEqual([{ distance: 2 }])
  })

  it('has a bucket that keeps versions and refuses to overwrite when asked to', async () => {
    const client = bucketClient()
    const Bucket = stack.addresses.s3.bucket
    expect((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Enabled')
    const once = new PutObjectCommand({ Bucket, Key: 'k', Body: 'v', IfNoneMatch: '*' })
    expect((await client.send(once)).VersionId).toBeTruthy()
    await expect(client.send(once)).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } })
    client.destroy()
  })

  it('has a Temporal namespace in which runs can be started', async () => {
    const { address, namespace, ui, http } = stack.addresses.temporal
    await temporalAnswers(address, namespace)
    expect(ui).toBeNull()
    expect((await fetch(`${http}/api/v1/namespaces/${namespace}`)).status).toBe(200)
  })

  it('keeps its secrets in a file of its owner, and its directories closed', () => {
    expect(statSync(join(home, 'stack.json')).mode & 0o777).toBe(0o600)
    for (const name of ['logs', 's3', 'temporal', 'postgres']) expect(statSync(join(home, name)).mode & 0o077).toBe(0)
  })

  it('is described without being started', async () => {
    const described = await describeStack(home)
    for (const { name, pid, address, version, binary } of described) {
      expect({ pid, address, version }).toEqual({
        pid: part(name).pid,
        address: part(name).address,
        version: part(name).version,
      })
      expect(binary).toBe(part(name).binary)
    }
  })

  it('refuses a second start of the same home, and names the first', async () => {
    await expect(start(home)).rejects.toThrow(`in use by process ${process.pid}`)
  })
})

describe('a part that is killed', () => {
  it.each(['s3', 'temporal', 'postgres'] as const)('%s comes back on its address', async (name) => {
    const before = part(name)
    const back = anotherPid(name, before.pid)
    process.kill(before.pid ?? 0, 'SIGKILL')
    await back
    await vi.waitFor(() => expect(lines.at(-1)).toMatch(/answers again/), { timeout: 15_000, interval: 20 })
    expect(part(name)).toEqual({ ...before, pid: expect.any(Number) })
  })

  it('is killed and back when a restart resolves', async () => {
    const before = part('postgres').pid
    await stack.restart('postgres')
    expect(part('postgres').pid).not.toBe(before)
    expect(await query(stack.addresses.postgres.roles.app, 'select 1 as one')).toEqual([{ one: 1 }])
  })
})

describe('two homes', () => {
  // A directory that PostgreSQL's user cannot enter when we are root.
  const closed = join(base, 'closed')

  it('hold two stacks that share neither address nor secret nor process', async () => {
    mkdirSync(closed, { mode: 0o700 })
    const other = await start(join(closed, 'two'))
    try {
      const values = (of: RunningStack) => [
        ...of.parts().flatMap(({ pid, address }) => [String(pid), address]),
        ...Object.values(of.addresses.postgres.roles),
        of.addresses.s3.secretAccessKey,
      ]
      expect(values(other).filter((value) => values(stack).includes(value))).toEqual([])
    } finally {
      await other.stop()
    }
    expect(stack.parts().every(({ pid }) => pid !== null)).toBe(true)
  })

  it.runIf(process.getuid?.() === 0)('may lie where only root can go, then the data lies elsewhere', () => {
    const data = readlinkSync(join(closed, 'two', 'postgres'))
    expect(readFileSync(`${data}.home`, 'utf8').trim()).toBe(join(closed, 'two'))
    expect(statSync(data)).toMatchObject({ uid: nobody, mode: 0o40700 })
    for (const path of [data, `${data}.home`]) rmSync(path, { recursive: true })
  })
})

describe('a stack that stopped', () => {
  it('leaves no process, and goes on with the same addresses and secrets', async () => {
    const pids = stack.parts().map(({ pid }) => ({ pid: pid ?? 0, started: null }))
    const before = stack.addresses
    await query(before.postgres.ownerUrl, 'create table kept as select 42 as answer')
    const startedAt = Date.now()
    await stack.stop()
    expect(Date.now() - startedAt).toBeLessThan(20_000)
    for (const { pid } of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    stack = await start(home)
    expect(stack.addresses).toEqual(before)
    expect(await query(before.postgres.ownerUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('is cleared away by the next start when its owner was killed', async () => {
    await stack.stop()
    const index = fileURLToPath(new URL('../../../bin/stack/index.ts', import.meta.url))
    const script = `
      import { startStack } from ${JSON.stringify(index)}
      await startStack({ home: ${JSON.stringify(home)}, progress() {}, headless: true })
      console.log('ready')
      setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(owner.stdout, 'data')
    const left = Object.values(readState(home)?.running ?? {})
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    expect(left.map(isAlive)).toEqual([true, true, true])
    stack = await start(home)
    expect(left.map(isAlive)).toEqual([false, false, false])
    expect(lines.filter((line) => line.includes('left running by a start that was killed'))).toHaveLength(3)
    expect(JSON.parse(readFileSync(join(home, 'stack.lock'), 'utf8'))).toMatchObject({ pid: process.pid })
  })
})
