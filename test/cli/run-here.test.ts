import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { runExo } from './support/exo.ts'
import type { Credentials } from '../../bin/bootstrap.ts'
import { callers } from '../support/client.ts'
import { openGlobal } from '../support/opening.ts'
import { makeDatabase } from '../support/own-database.ts'

let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'exo-cli-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

describe('exo doctor', () => {
  test('says of every part what it is, where, which version, and whether it answers', async () => {
    const { code, json } = await runExo(inject('deployment').home, ['doctor', '--json'])
    expect([code, json.ok]).toEqual([0, true])
    const found = Object.fromEntries(
      json.findings.map((each: { name: string; detail: string }) => [each.name, each.detail]),
    )
    expect(Object.keys(found)).toEqual(['node', 'mode', 'home', 'postgres', 's3', 'temporal', 'bundles', 'api'])
    expect(found.bundles).toMatch(/^\d+ of workflow code in \//)
    expect(found.node).toContain(process.versions.node)
    for (const part of ['postgres', 's3', 'temporal'])
      expect(found[part]).toMatch(/\d+\.\d+.* at \/.*runs as process \d+ on 127\.0\.0\.1:\d+/)
    expect(found.api).toContain('answers, ready: postgres ok, temporal ok, s3 ok, audit ok')
  })

  test('in an empty home finds nothing broken, and nobody who answers', async () => {
    const { code, out } = await runExo(home, ['doctor'])
    expect(code).toBe(4)
    expect(out).toMatch(/^absent {2}api +nothing was started in this home; exo up starts it$/m)
  })

  test('names what a mode lacks', async () => {
    const { code, out } = await runExo(home, ['doctor'], { env: { EXO_MODE: 'saas' } })
    expect(code).toBe(1)
    expect(out).toMatch(/^fault +mode +saas lacks EXO_ENV, EXO_DEPLOYMENT, EXO_OIDC_ISSUERS, EXO_DATABASE_URL,/m)
  })
})

describe('exo config --explain', () => {
  test('says where each setting comes from, and shows no secret', async () => {
    const env = { EXO_LOG_LEVEL: 'info', EXO_TOKEN: 'hush' }
    const { code, out, json } = await runExo(home, ['config', '--explain', '--json'], { env })
    expect([code, json.faults]).toEqual([0, []])
    const found = new Map(json.settings.map((each: { name: string }) => [each.name, each]))
    expect(found.get('EXO_LOG_LEVEL')).toMatchObject({ source: 'environment', value: 'info' })
    expect(found.get('EXO_MODE')).toMatchObject({ source: 'default', value: 'lab' })
    expect(found.get('EXO_TOKEN')).toMatchObject({ source: 'environment', value: null })
    expect(out).not.toContain('hush')
  })

  test('names what a mode lacks and what is no setting, and so does a start', async () => {
    const env = { EXO_MODE: 'saas', EXO_LOGLEVEL: 'info' }
    const { code, out } = await runExo(home, ['config', '--explain'], { env })
    expect(code).toBe(1)
    expect(out).toMatch(/^fault: EXO_LOGLEVEL: is no setting; is EXO_LOG_LEVEL meant\?$/m)
    const up = await runExo(home, ['up'], { env })
    expect([up.code, up.out, up.err]).toEqual([
      2,
      '',
      'the configuration is not valid:\n  EXO_LOGLEVEL: is no setting; is EXO_LOG_LEVEL meant?\n',
    ])
  })
})

describe('exo up', () => {
  test('looks at its port before it makes anything, and says how to take another', async () => {
    const { port } = new URL(inject('deployment').url)
    const untouched = join(home, 'untouched')
    const { code, out, err } = await runExo(home, ['up', '--port', port], { env: { EXO_HOME: untouched } })
    expect([code, out, err]).toEqual([
      2,
      '',
      `port ${port} of 127.0.0.1 is in use\n  Stop what listens there, which may be a deployment that runs already, or choose another port with PORT or exo up --port; 0 takes a free one.\n`,
    ])
    expect(existsSync(untouched)).toBe(false)
  })

  test('says of a home in use who uses it, and of a mode what it lacks, and nothing else', async () => {
    const { home: taken } = inject('deployment')
    const second = await runExo(taken, ['up', '--port', '0'])
    expect([second.code, second.out, second.err.split('\n')]).toEqual([
      2,
      '',
      [
        `${taken} is in use by process ${process.ppid}`,
        '  Stop that process, or set EXO_HOME to another directory for a second stack.',
        '',
      ],
    ])
    const elsewhere = await runExo(home, ['up'], { env: { EXO_MODE: 'saas' } })
    expect([elsewhere.code, elsewhere.err]).toEqual([2, expect.stringMatching(/^mode saas does not start without/)])
  })

  test('starts everything in the foreground, and ends it when told', async () => {
    let told = false
    const { code, out } = await runExo(home, ['up', '--port', '0'], {
      onOutput: (text, signal) => {
        if (told || !text.includes('Stop with Ctrl-C')) return
        told = true
        signal('SIGTERM')
      },
    })
    expect(code).toBe(0)
    expect(out).toMatch(/ExoArmur answers at http:\/\/127\.0\.0\.1:\d+/)
    expect(out).toMatch(/^Console +http:\/\/127\.0\.0\.1:\d+\/console$/m)
    expect(out).toMatch(/^Switches +platform stopped, t_demo stopped, t_other stopped$/m)
    expect(out).toContain('Everything is stopped until people resume it.')
    const credentials = JSON.parse(await readFile(join(home, 'credentials.json'), 'utf8'))
    expect(credentials.tenants).toHaveLength(2)
    const after = await runExo(home, ['whoami', '--as', 'owner'])
    expect([after.code, after.err]).toEqual([4, expect.stringContaining('does not answer')])
  })

  test('says what the switches say, and of nothing that runs that it is stopped', async () => {
    let opening: Promise<unknown> | null = null
    await runExo(home, ['up', '--port', '0'], {
      onOutput: (text, signal) => {
        const [, url] = /answers at (\S+) .*Stop with Ctrl-C/s.exec(text) ?? []
        if (url !== undefined)
          opening ??= openGlobal(callers(url, credentialsIn(home))).finally(() => void signal('SIGTERM'))
      },
    })
    await opening
    const { out } = await runExo(home, ['up', '--port', '0'], {
      onOutput: (text, signal) => void (text.includes('Stop with Ctrl-C') && signal('SIGTERM')),
    })
    expect(out).toMatch(/^Switches +platform running, t_demo stopped, t_other stopped$/m)
    expect(out).toContain('npx exo resume --reason "to begin" --as t_demo/owner')
    expect(out).not.toContain('Everything is stopped')
  })
})

function credentialsIn(of: string): Credentials {
  return JSON.parse(readFileSync(join(of, 'credentials.json'), 'utf8')) as Credentials
}

describe('exo bootstrap', () => {
  test('makes two platform operators once, and their tokens are printed once', async () => {
    const { ownerUrl, drop } = await makeDatabase()
    try {
      const env = { EXO_DATABASE_URL: ownerUrl, EXO_DEPLOYMENT: 'boot-test', EXO_MODE: 'saas' }
      const first = await runExo(home, ['bootstrap', '--json'], { env })
      expect(first.code).toBe(0)
      expect(first.json).toEqual({
        deployment: 'boot-test',
        mode: 'saas',
        platform_operator: expect.stringMatching(/^exo_/),
        platform_operator2: expect.stringMatching(/^exo_/),
      })
      const again = await runExo(home, ['bootstrap', '--json'], { env })
      expect([again.code, again.json.error.code]).toEqual([1, 'cli.bootstrapped'])
      expect(again.out + again.err).not.toContain(new URL(ownerUrl).password)
    } finally {
      await drop()
    }
  })

  test('needs the owner’s address and a name, and keeps the password to itself', async () => {
    expect((await runExo(home, ['bootstrap'])).code).toBe(2)
    const env = { EXO_DATABASE_URL: 'postgresql://owner:hush@127.0.0.1:9/none', EXO_DEPLOYMENT: 'boot-test' }
    const { code, out, err } = await runExo(home, ['bootstrap'], { env })
    expect(code).toBe(4)
    expect(out + err).not.toContain('hush')
  })
})
