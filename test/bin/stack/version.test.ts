import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { temporal, versitygw } from '../../../bin/stack/recipes.ts'
import { atLeast, postgresVersion, temporalServerVersion, versitygwVersion } from '../../../bin/stack/version.ts'

const file = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('versions that programs print', () => {
  it.each([
    ['postgres (PostgreSQL) 18.4', '18.4'],
    ['postgres (PostgreSQL) 18.4 (Debian 18.4-1.pgdg12+1)', '18.4'],
    ['postgres (PostgreSQL) 19beta1', '19'],
    ['sh: postgres: not found', null],
  ])('reads PostgreSQL from %s', (text, version) => expect(postgresVersion(text)).toBe(version))

  it('reads the Temporal server, not the CLI around it', () => {
    expect(temporalServerVersion('temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)')).toBe('1.29.1')
    expect(temporalServerVersion('temporal version 1.5.1')).toBeNull()
  })

  it('takes an unstamped versitygw for no version', () => {
    expect(versitygwVersion('Version  : v1.8.0\nBuild    : norev\n')).toBe('1.8.0')
    expect(versitygwVersion('Version  : git\nBuild    : norev\n')).toBeNull()
  })

  it.each([
    ['1.29.1', '1.29', true],
    ['1.29.0', '1.29', true],
    ['1.9.9', '1.29', false],
    ['2.0.0', '1.29', true],
    ['18.4', '18', true],
    ['17.9', '18', false],
    ['1.8', '1.8.0', true],
  ])('compares %s with %s by number', (have, need, fit) => expect(atLeast(have, need)).toBe(fit))
})

describe('pinned versions', () => {
  it('are the same in the recipes, the Go module and the compose file', () => {
    const module = file('tools/devinfra/go.mod')
    expect(module).toContain(`github.com/temporalio/cli v${temporal.pinned.version}`)
    expect(module).toContain(`github.com/versity/versitygw v${versitygw.pinned.version}`)
    const compose = file('docker-compose.yml')
    expect(compose).toContain(`temporalio/server:${temporal.pinned.reports}\n`)
    expect(compose).toContain(`versity/versitygw:v${versitygw.pinned.version}\n`)
  })
})
