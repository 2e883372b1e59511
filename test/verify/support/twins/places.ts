/** Sets members of a JSON value by dotted place; `[-1]` is the last of a list, and `undefined` takes a member away. */
export type Places = Readonly<Record<string, unknown>>

export function setPlaces(root: unknown, places: Places): void {
  for (const [place, value] of Object.entries(places)) {
    const steps = [...place.matchAll(/([^.[\]]+)|\[(-?\d+)\]/g)].map(([, key, index]) => key ?? Number(index))
    const last = steps.pop() ?? ''
    const holder = steps.reduce<unknown>(memberOf, root)
    if (typeof holder !== 'object' || holder === null) throw new Error(`there is no ${place}`)
    const key = keyIn(holder, last)
    if (value === undefined) Reflect.deleteProperty(holder, key)
    else Object.assign(holder, { [key]: value })
  }
}

function memberOf(holder: unknown, step: string | number): unknown {
  return (holder as Record<string | number, unknown>)[keyIn(holder, step)]
}

function keyIn(holder: unknown, step: string | number): string | number {
  return Array.isArray(holder) && typeof step === 'number' && step < 0 ? holder.length + step : step
}
