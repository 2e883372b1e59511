/** Refuses rows that name a project, surface or app which is not the tenant's own and active: 400, each with its path. */
import type { ApiPorts } from './ports.ts'
import { ExoError } from '../domain/errors.ts'
import type { NamedPlace } from '../domain/places.ts'

/** Absent, inactive and another tenant's are told alike. */
export async function refuseUnknownPlaces(
  ports: ApiPorts,
  tenantId: string,
  named: readonly NamedPlace[],
): Promise<void> {
  if (named.length === 0) return
  const unknown = await ports.reading.unknownPlaces(tenantId, named)
  if (unknown.length === 0) return
  throw new ExoError('validation.error', undefined, {
    errors: unknown.slice(0, 50).map(({ kind, path }) => ({ path, message: `is no active ${kind} of this tenant` })),
  })
}
