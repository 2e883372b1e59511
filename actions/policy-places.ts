/** Every project, surface and app that a control document names, with its path: rules for a place nobody registered bind nothing. */
import { type NamedPlace, namedPlaces } from '../domain/places.ts'
import type { PolicyDocument } from '../domain/policy.ts'

export function policyPlaces(policy: PolicyDocument): NamedPlace[] {
  return [
    ...rowsOf('/policy/grants', policy.grants),
    ...rowsOf('/policy/strategy_locks', policy.strategy_locks),
    ...(policy.budget ?? []).flatMap(({ scope }, index) => namedPlaces(`/policy/budget/${index}/scope`, scope)),
    ...rowsOf('/policy/kpi/definitions', policy.kpi?.definitions),
    ...rowsOf('/policy/kpi/corridors', policy.kpi?.corridors),
    ...rowsOf('/policy/temperature', policy.temperature),
  ]
}

function rowsOf(at: string, rows: readonly Parameters<typeof namedPlaces>[1][] = []): NamedPlace[] {
  return rows.flatMap((row, index) => namedPlaces(`${at}/${index}`, row))
}
