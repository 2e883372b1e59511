/** The one table of settings: what the processes read, what is explained, and what docs/settings.md says are the same. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { files, ROOT } from './markdown.ts'
import { missingForMode, readConfig } from '../../bin/config.ts'
import { explain } from '../../bin/explain.ts'
import { SETTINGS, settingRows, unknownSettings } from '../../bin/settings.ts'

const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const sources = files.filter((file) =>
  /^(bin|cli|api|stores|activities|workflows|domain|scripts)\/.*\.(ts|mjs)$/.test(file),
)
const tests = files.filter((file) => /^test\/(?!replay\/).*\.ts$/.test(file))

const row = (name: string, ...cells: string[]) =>
  `| \`${name}\` |${cells.map((cell) => (cell === '' ? ' |' : ` ${cell} |`)).join('')}`

describe('settings', () => {
  test('stand in docs/settings.md, each with its meaning, what holds without it, and whether it is due outside lab', () => {
    const rows = settingRows.map(([name, { meaning, parse, otherwise, durable }]) => {
      const fallback = parse?.safeParse(undefined).data
      const usual = name === 'EXO_HOME' ? '.exo' : fallback === undefined ? null : String(fallback)
      return row(name, meaning, usual === null ? (otherwise ?? '') : `\`${usual}\``, durable === true ? 'due' : '')
    })
    const told = textOf('docs/settings.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    expect(told).toEqual(rows)
  })

  test('are all that our code names', () => {
    const read = (file: string, form: RegExp) => [...textOf(file).matchAll(form)].map(([, name = '']) => name)
    const named = [
      ...sources.flatMap((file) => read(file, /\b(EXO_[A-Z0-9_]*[A-Z0-9])\b(?![<*])/g)),
      ...tests.flatMap((file) => read(file, /process\.env(?:\.|\[')(EXO_\w+)/g)),
    ]
    const unknown = [...new Set(named)].filter((name) => !Object.hasOwn(SETTINGS, name))
    expect(unknown).toEqual([])
  })

  test('that are misspelt are refused, with the one that was meant', () => {
    expect(unknownSettings({ EXO_MOD: 'saas', EXO_LOGLEVEL: 'x', EXO_SOMETHING_ELSE: 'x', OTHER: 'x' })).toEqual([
      { name: 'EXO_LOGLEVEL', meant: 'EXO_LOG_LEVEL' },
      { name: 'EXO_MOD', meant: 'EXO_MODE' },
      { name: 'EXO_SOMETHING_ELSE', meant: null },
    ])
    expect(() => readConfig({ EXO_MOD: 'saas', PORT: 'x' })).toThrow(
      /PORT: .*\n {2}EXO_MOD: is no setting; is EXO_MODE meant\?$/s,
    )
    expect(readConfig({ EXO_APP_PASSWORD: 'for docker compose', PATH: '/' }).EXO_MODE).toBe('lab')
  })

  test('that a mode other than lab lacks are named all at once', () => {
    const durable = settingRows.filter(([, row]) => row.durable === true).map(([name]) => name)
    expect(durable.length).toBeGreaterThan(20)
    // A name that everybody shares may be a stranger's bucket.
    expect(durable).toContain('EXO_S3_BUCKET')
    for (const EXO_MODE of ['saas', 'enterprise']) {
      expect(missingForMode(readConfig({ EXO_MODE }), { EXO_MODE })).toEqual(durable)
      const all = { EXO_MODE, ...Object.fromEntries(durable.map((name) => [name, 'x'])) }
      expect(missingForMode(readConfig(all), all)).toEqual([])
      expect(missingForMode(readConfig({ ...all, EXO_ENV: '' }), { ...all, EXO_ENV: '' })).toEqual(['EXO_ENV'])
    }
    expect(missingForMode(readConfig({}), {})).toEqual([])
  })
})

describe('exo config --explain', () => {
  const told = (env: NodeJS.ProcessEnv) => new Map(explain(env).settings.map((each) => [each.name, each]))

  test('says of each where it comes from, and what it means', () => {
    const all = told({ EXO_HOME: '/nowhere', EXO_LOG_LEVEL: 'info', EXO_KEY_SEAL: '/keys/seal.jwk' })
    expect(all.get('EXO_LOG_LEVEL')).toMatchObject({ source: 'environment', value: 'info' })
    expect(all.get('EXO_HOST')).toMatchObject({ source: 'default', value: '127.0.0.1' })
    expect(all.get('EXO_KEY_SEAL')).toMatchObject({ source: 'file', value: '/keys/seal.jwk' })
    expect(all.get('EXO_KEY_RECEIPT')).toMatchObject({ source: 'unset', value: null })
    for (const { meaning } of all.values()) expect(meaning).not.toBe('')
    expect([...all.keys()]).toEqual(settingRows.filter(([, { reader }]) => reader !== 'test').map(([name]) => name))
  })

  test('never shows a secret, whichever it is', () => {
    const secrets = settingRows.filter(([, { secret }]) => secret === true).map(([name]) => name)
    expect(secrets).toEqual(expect.arrayContaining(['EXO_TOKEN', 'EXO_S3_SECRET_ACCESS_KEY', 'EXO_DATABASE_URL_APP']))
    const env = Object.fromEntries(secrets.map((name) => [name, `postgresql://app:hush@127.0.0.1/${name}`]))
    expect(JSON.stringify(explain(env))).not.toContain('hush')
    for (const name of secrets) expect(told(env).get(name)).toMatchObject({ source: 'environment', value: null })
  })

  test('goes on where a process would refuse to start, and says why it would', () => {
    const { faults, settings } = explain({ EXO_MODE: 'saas', PORT: 'x', EXO_MOD: '' })
    expect(faults).toEqual([expect.stringContaining('PORT'), 'EXO_MOD: is no setting; is EXO_MODE meant?'])
    expect(settings.length).toBeGreaterThan(30)
    expect(explain({ EXO_MODE: 'enterprise' }).faults[0]).toBe('EXO_ENV is missing: mode enterprise needs it')
  })
})
