/** Every project, surface and app that a control document names, with its path: rules for a place nobody registered bind nothing. */
import { pathOf, rowsOf } from './policy-rows.ts'
import type { JsonObject } from '../domain/canonical.ts'
import { type NamedPlace, namedPlaces } from '../domain/places.ts'
import type { PolicyDocument } from '../domain/policy.ts'

export function policyPlaces(policy: PolicyDocument): NamedPlace[] {
  return rowsOf(policy as JsonObject).flatMap(([section, rows]) =>
    rows.flatMap((row, index) => rowPlaces(row, `${pathOf(section)}/${index}`)),
  )
}

/** The same of one row, which names them itself or by its scope. */
export function rowPlaces(row: object, at = ''): NamedPlace[] {
  const scope = 'scope' in row && typeof row.scope === 'object' && row.scope !== null ? row.scope : {}
  return [...namedPlaces(at, row), ...namedPlaces(`${at}/scope`, scope)]
}
