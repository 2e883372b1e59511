import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configuredParts, configuredRoles } from '../../../bin/stack/configured.ts'
import { newState, readState, stateFile, writeState } from '../../../bin/stack/state.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'exo-state-'))
})
afterEach(() => rmSync(home, { recursive: true }))

describe('stack.json', () => {
  it('gives back what was written, and only to its owner', () => {
    const state = newState()
    writeState(home, state)
    expect(readState(home)).toEqual(state)
    expect(statSync(stateFile(home)).mode & 0o777).toBe(0o600)
  })

  it('holds a secret of 32 bytes for everybody, no two alike', () => {
    const { postgres, s3 } = newState()
    const secrets = [postgres.superuser, ...Object.values(postgres.roles), s3.secretAccessKey]
    for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{64}$/)
    expect(new Set(secrets).size).toBe(secrets.length)
  })

  it('is absent in a new home, and refused with a remedy when it is damaged', () => {
    expect(readState(home)).toBeNull()
    writeFileSync(stateFile(home), '{"v":1,')
    expect(() => readState(home)).toThrow(/is not JSON[\s\S]*move .* away/)
    writeFileSync(stateFile(home), '{"v":2}')
    expect(() => readState(home)).toThrow(/version 2/)
  })
})

describe('configured backends', () => {
  it('are none without an address', () => {
    expect(configuredParts({})).toEqual({ postgres: null, s3: null, temporal: null })
  })

  it('name all that is missing at once', () => {
    const env = { EXO_DATABASE_URL: 'postgresql://owner:x@db/exo', EXO_S3_ENDPOINT: 'http://s3' }
    expect(() => configuredParts(env)).toThrow(
      /EXO_DATABASE_URL_APP.*EXO_DATABASE_URL_AUDITOR.*EXO_S3_SECRET_ACCESS_KEY/,
    )
  })

  it('let Temporal stand alone', () => {
    expect(configuredParts({ EXO_TEMPORAL_ADDRESS: 'temporal:7233' }).temporal).toEqual({
      address: 'temporal:7233',
      namespace: 'exoarmur',
      http: null,
      ui: null,
    })
  })

  it('give a process the roles it asks for, without the others', () => {
    const env = { EXO_DATABASE_URL_APP: 'postgresql://app:x@db/exo' }
    expect(configuredRoles(env, ['app'])).toEqual({ app: 'postgresql://app:x@db/exo' })
    expect(() => configuredRoles(env, ['app', 'stop'])).toThrow(/EXO_DATABASE_URL_STOP/)
    expect(configuredRoles({}, ['app'])).toBeNull()
  })
})
