import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { inTime } from '../../bin/sandbox-worker.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const after = async (ms: number) =>
  await new Promise<string>((resolve) => {
    setTimeout(() => resolve('answered'), ms)
  })

test('workflow code that answers is left alone for ever after', async () => {
  const answer = inTime(after(29_000))
  await vi.advanceTimersByTimeAsync(29_000)
  expect(await answer).toBe('answered')
  await vi.advanceTimersByTimeAsync(120_000)
})

test('an answer that a paused process hears late is still an answer', async () => {
  const answer = inTime(after(31_000))
  await vi.advanceTimersByTimeAsync(31_000)
  expect(await answer).toBe('answered')
})

test('workflow code that does not answer ends the process', async () => {
  void inTime(new Promise(() => {}))
  await expect(vi.advanceTimersByTimeAsync(32_000)).rejects.toThrow('did not answer within 30 s')
})
