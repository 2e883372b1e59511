/**
 * Makes what the servers of a deployment lack before the migrations run: database, roles, extension, bucket.
 *
 *     EXO_SUPERUSER_URL=… EXO_DATABASE_URL=… EXO_S3_ENDPOINT=… node bin/stack/prepare.ts
 *
 * Guarantees: the same code as the embedded stack, and may run any number of times. The roles' passwords are those in
 * their URLs; a role that exists keeps the password it has.
 */
import { configuredParts } from './configured.ts'
import { provisionDatabase } from './provision.ts'
import { makeBucket } from './s3.ts'
import { type RoleName, roleNames } from './types.ts'

const superuserUrl = process.env['EXO_SUPERUSER_URL']
const { postgres, s3 } = configuredParts(process.env)
if (superuserUrl === undefined || postgres === null || s3 === null) {
  console.error('prepare: EXO_SUPERUSER_URL, EXO_DATABASE_URL and EXO_S3_ENDPOINT must be set')
  process.exit(2)
}

const { hostname, port, username, password } = new URL(superuserUrl)
const superuser = { host: hostname, port: Number(port || 5432), user: username, password: decodeURIComponent(password) }
const passwords = Object.fromEntries(
  roleNames.map((role) => [role, decodeURIComponent(new URL(postgres.roles[role]).password)]),
) as Record<RoleName, string>

await provisionDatabase(superuser, passwords)
await makeBucket(s3)
console.log('prepare: database, roles, extension and bucket are there')
