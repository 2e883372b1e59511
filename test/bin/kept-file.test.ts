import { describe, expect, test } from 'vitest'
import { keepFile } from '../../bin/kept-file.ts'
import { until } from '../support/until.ts'

describe('a file that says how things stand', () => {
  test('is written once there is room again, with what stands then, and whoever watches is told once', async () => {
    const said: string[] = []
    const written: number[] = []
    let now = 1
    let room = 3
    const file = keepFile(
      'state.json',
      async () => {
        if (room-- > 0) throw new Error('ENOSPC: no space left on device, write')
        written.push(now)
      },
      (line) => void said.push(line),
      5,
    )
    file.changed()
    now = 2
    file.changed()
    await until('the file', () => written.length > 0)
    expect(written).toEqual([2])
    expect(said).toEqual([expect.stringMatching(/^state\.json: not up to date \(Error: ENOSPC/)])
  })

  test('is written one at a time, and the last to be written is the last that changed', async () => {
    const written: number[] = []
    let now = 0
    let under = 0
    const file = keepFile(
      'state.json',
      async () => {
        expect(++under).toBe(1)
        const seen = now
        await new Promise((resolve) => setTimeout(resolve, 3))
        written.push(seen)
        under--
      },
      () => undefined,
    )
    for (now = 1; now < 5; now++) file.changed()
    await until('the last', () => written.at(-1) === now)
    expect(written.length).toBeLessThan(4)
  })
})
