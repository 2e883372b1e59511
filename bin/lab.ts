/** What a lab deployment makes for itself once: its name, its keys, its first rows and the credentials for them. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.ts'
import { makeLabKeys } from './keys.ts'
import { writeWhole } from './whole-file.ts'

/** Answers the deployment's name. Running it again changes nothing. */
export async function prepareLab(home: string, ownerUrl: string): Promise<string> {
  await mkdir(home, { recursive: true })
  await makeLabKeys(home)
  const deployment = await deploymentName(home)
  const made = await bootstrap({ ownerUrl, deployment, mode: 'lab', lab: true })
  if (made !== null) await writePrivately(join(home, 'credentials.json'), { url: '', ...made })
  return deployment
}

/** Given, or made once and kept. */
async function deploymentName(home: string): Promise<string> {
  if (process.env.EXO_DEPLOYMENT) return process.env.EXO_DEPLOYMENT
  const path = join(home, 'deployment')
  if (!existsSync(path)) await writeFile(path, `lab-${randomBytes(6).toString('hex')}\n`, { mode: 0o600 })
  return (await readFile(path, 'utf8')).trim()
}

/** Whole or not at all, and for this user only. */
export async function writePrivately(path: string, value: unknown): Promise<void> {
  await writeWhole(path, `${JSON.stringify(value, null, 2)}\n`)
}
