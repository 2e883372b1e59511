/**
 * Where in a tenant somebody acts: projects, surfaces and apps, which it registers itself. Context headers name them,
 * and so do rows of the controls; neither may name one that is unknown, inactive or another tenant's.
 */
import type { Fact } from './facts.ts'
import type { Intent } from './plan.ts'

export const PLACES = Object.freeze({
  project: { prefix: 'p', header: 'X-Project-Id', main: 'p_main' },
  surface: { prefix: 's', header: 'X-Surface-Id', main: 's_main' },
  app: { prefix: 'a', header: 'X-App-Id', main: 'a_main' },
} as const)

export type PlaceKind = keyof typeof PLACES
export const PLACE_KINDS = Object.freeze(Object.keys(PLACES) as PlaceKind[])

/** A place that a body names, and where in the body. */
export interface NamedPlace {
  kind: PlaceKind
  id: string
  path: string
}

/** The places of these that were given at all; `*` stands for every surface and is none. */
export function namedPlaces(
  at: string,
  given: {
    project_id?: string | null | undefined
    surface_id?: string | null | undefined
    app_id?: string | undefined
  },
): NamedPlace[] {
  return PLACE_KINDS.flatMap((kind) => {
    const id = given[`${kind}_id`]
    return id === undefined || id === null || id === '*' ? [] : [{ kind, id, path: `${at}/${kind}_id` }]
  })
}

/** The first place of the intent that was ended by then, or null. Facts of version 1 say nothing of places. */
export function endedPlace(intent: Intent, facts: Fact): PlaceKind | null {
  if (facts.get('v').count() < 2) return null
  const places = facts.get('places')
  const isEnded = (kind: PlaceKind) =>
    intent[`${kind}_id`] !== null && places.get(kind).oneOf('active', 'inactive') !== 'active'
  return PLACE_KINDS.find(isEnded) ?? null
}
