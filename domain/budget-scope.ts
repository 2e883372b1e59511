/** Which budget holds in a scope, by the order that the facts function reads them in: surface and app, surface, app, neither. */
export interface BudgetRow {
  scope: { surface_id?: string; app_id?: string; action?: string }
  threshold?: string
  daily_cap?: string
  window_days: number
}

export interface BudgetPlace {
  surface_id?: string | undefined
  app_id?: string | undefined
  action?: string | undefined
}

/** The threshold of the place, and the daily cap of the action where one is named; null where nothing is set. */
export function budgetFor(
  rows: readonly BudgetRow[],
  place: BudgetPlace,
): (BudgetRow & { cap: BudgetRow | null }) | { cap: BudgetRow } | null {
  const holds = rows
    .filter(({ scope }) => matches(scope.surface_id, place.surface_id) && matches(scope.app_id, place.app_id))
    .sort((a, b) => weight(b) - weight(a))
  const threshold = holds.find((row) => row.threshold !== undefined && row.scope.action === undefined)
  const cap =
    place.action === undefined
      ? undefined
      : holds.find((row) => row.daily_cap !== undefined && row.scope.action === place.action)
  if (threshold !== undefined) return { ...threshold, cap: cap ?? null }
  return cap === undefined ? null : { cap }
}

const matches = (set: string | undefined, here: string | undefined): boolean => set === undefined || set === here
const weight = ({ scope }: BudgetRow): number =>
  (scope.surface_id === undefined ? 0 : 2) + (scope.app_id === undefined ? 0 : 1)
