/** Secrets as files: of one tenant, for one host, by an exact name; whatever else is asked for is missing. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { SecretFiles } from '../../stores/secret-files.ts'

const dir = mkdtempSync(join(tmpdir(), 'exo-secrets-'))
const put = (path: string, text: string) => {
  mkdirSync(join(dir, path, '..'), { recursive: true })
  writeFileSync(join(dir, path), text)
}
put('t_a/api.example.com/token', 'Bearer abc\n')
put('t_a/127.0.0.1:8080/token', 'local')
put('t_b/api.example.com/token', 'theirs')
put('t_a/api.example.com/long', 'x'.repeat(4097))
put('t_a/api.example.com/lines', 'a\r\nX-Evil: 1')
put('t_a/api.example.com/empty', '\n')
put('t_a/api.example.com/folder/x', 'x')
execFileSync('mkfifo', [join(dir, 't_a/api.example.com/pipe')])
const { read } = new SecretFiles(dir)
afterAll(() => rmSync(dir, { recursive: true }))

test('one that is there is read, without the end of its line, and read anew each time', async () => {
  expect(await read('t_a', 'api.example.com', 'token')).toBe('Bearer abc')
  expect(await read('t_a', '127.0.0.1:8080', 'token')).toBe('local')
  put('t_a/api.example.com/token', 'Bearer def')
  expect(await read('t_a', 'api.example.com', 'token')).toBe('Bearer def')
})

test.each([
  ['t_a', 'other.example.com', 'token'],
  ['t_c', 'api.example.com', 'token'],
  ['t_a', 'api.example.com', 'absent'],
  ['t_a', 'api.example.com', 'long'],
  ['t_a', 'api.example.com', 'lines'],
  ['t_a', 'api.example.com', 'empty'],
  ['t_a', 'api.example.com', 'folder'],
  ['t_a', 'api.example.com', 'pipe'],
  ['t_a', '../t_b/api.example.com', 'token'],
  ['t_a', '..', 'token'],
  ['..', 'api.example.com', 'token'],
  ['t_a/../t_b', 'api.example.com', 'token'],
  ['t_a', 'api.example.com', '../../t_b/api.example.com/token'],
  ['t_a', '', 'token'],
])('nothing is read for %j, %j, %j', async (tenant, host, name) => {
  expect(await read(tenant, host, name)).toBeNull()
})
