/** Schemathesis from PyPI, one exact version, in the user's cache like the stack's programs; installed the first time. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { cached } from '../../bin/stack/cache.ts'

const VERSION = '4.32.5'
const run = promisify(execFile)

/** The folder to put on Python's path. */
export async function findSchemathesis(progress: (line: string) => void): Promise<string> {
  const name = `schemathesis-${VERSION}`
  const { dir } = await cached({ name, label: name, progress }, async (made) => {
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-warn-script-location']
    await run('python3', ['-m', 'pip', 'install', ...quiet, '--target', made, `schemathesis==${VERSION}`])
  })
  return dir
}
