/**
 * How to reach the embedded parts: the addresses that composition roots hand to pools and clients.
 *
 * Guarantees: pure. Every URL carries its role's password, so none of them may be logged.
 */
import type { Configured } from './configured.ts'
import { databaseName } from './provision.ts'
import { bucketName, region } from './s3.ts'
import type { PortName, StackState } from './state.ts'
import { namespaceName } from './temporal.ts'
import { type RoleName, roleNames, type StackAddresses } from './types.ts'

export function stackAddresses(
  home: string,
  state: StackState,
  ports: Record<PortName, number>,
  configured: Configured,
  ui: boolean,
): StackAddresses {
  const url = (role: RoleName): string =>
    `postgresql://${role}:${state.postgres.roles[role]}@127.0.0.1:${ports.postgres}/${databaseName}`
  const roles = Object.fromEntries(roleNames.map((role) => [role, url(role)])) as Record<RoleName, string>
  const { accessKeyId, secretAccessKey } = state.s3
  return {
    home,
    postgres: configured.postgres ?? { ownerUrl: roles.owner, roles },
    temporal: configured.temporal ?? {
      address: `127.0.0.1:${ports.temporal}`,
      namespace: namespaceName,
      http: `http://127.0.0.1:${ports.temporalHttp}`,
      ui: ui ? `http://127.0.0.1:${ports.temporalUi}` : null,
    },
    s3: configured.s3 ?? {
      endpoint: `http://127.0.0.1:${ports.s3}`,
      region,
      bucket: bucketName,
      accessKeyId,
      secretAccessKey,
    },
  }
}
