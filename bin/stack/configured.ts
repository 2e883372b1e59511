/**
 * Backends that somebody else runs, named by the environment.
 *
 * Guarantees: a part with an address has everything else that is needed to use it, or all that is missing is named at
 * once. Nothing is started, made or changed for it.
 */
import { bucketName, region } from './s3.ts'
import { namespaceName } from './temporal.ts'
import { NotUsable, type RoleName, roleNames, type StackAddresses } from './types.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface Configured {
  postgres: StackAddresses['postgres'] | null
  s3: StackAddresses['s3'] | null
  temporal: StackAddresses['temporal'] | null
}

/** `EXO_DATABASE_URL` is the owner's; every other role has its own, `EXO_DATABASE_URL_APP` and so on. */
export const roleVariable = (role: RoleName): string =>
  role === 'owner' ? 'EXO_DATABASE_URL' : `EXO_DATABASE_URL_${role.toUpperCase()}`

class Wants {
  readonly missing: string[] = []
  readonly env: Environment
  constructor(env: Environment) {
    this.env = env
  }
  optional(name: string): string | null {
    return this.env[name] || null
  }
  needed(name: string): string {
    const value = this.optional(name)
    if (value === null) this.missing.push(name)
    return value ?? ''
  }
  check(): void {
    if (this.missing.length === 0) return
    throw new NotUsable(`the configured backends lack ${this.missing.join(', ')}`, {
      remedy: 'Set them, or unset EXO_DATABASE_URL, EXO_S3_ENDPOINT, EXO_TEMPORAL_ADDRESS to use the embedded stack.',
    })
  }
}

export function configuredParts(env: Environment): Configured {
  const wants = new Wants(env)
  const parts = { postgres: postgres(wants), s3: s3(wants), temporal: temporal(wants) }
  wants.check()
  return parts
}

/** For a process that is given the roles it uses and no others; null when no role has an address. */
export function configuredRoles<Role extends RoleName>(
  env: Environment,
  roles: readonly Role[],
): Record<Role, string> | null {
  if (!roleNames.some((role) => env[roleVariable(role)])) return null
  const wants = new Wants(env)
  const urls = Object.fromEntries(roles.map((role) => [role, wants.needed(roleVariable(role))]))
  wants.check()
  return urls as Record<Role, string>
}

function postgres(wants: Wants): Configured['postgres'] {
  const ownerUrl = wants.optional('EXO_DATABASE_URL')
  if (ownerUrl === null) return null
  const roles = Object.fromEntries(roleNames.map((role) => [role, wants.needed(roleVariable(role))]))
  return { ownerUrl, roles: roles as Record<RoleName, string> }
}

function s3(wants: Wants): Configured['s3'] {
  const endpoint = wants.optional('EXO_S3_ENDPOINT')
  if (endpoint === null) return null
  return {
    endpoint,
    region: wants.optional('EXO_S3_REGION') ?? region,
    bucket: wants.optional('EXO_S3_BUCKET') ?? bucketName,
    accessKeyId: wants.needed('EXO_S3_ACCESS_KEY_ID'),
    secretAccessKey: wants.needed('EXO_S3_SECRET_ACCESS_KEY'),
  }
}

function temporal(wants: Wants): Configured['temporal'] {
  const address = wants.optional('EXO_TEMPORAL_ADDRESS')
  if (address === null) return null
  const namespace = wants.optional('EXO_TEMPORAL_NAMESPACE') ?? namespaceName
  return { address, namespace, http: wants.optional('EXO_TEMPORAL_HTTP'), ui: wants.optional('EXO_TEMPORAL_UI') }
}
