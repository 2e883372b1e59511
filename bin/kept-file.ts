/**
 * A file that says how things stand now, for others to read. What it speaks of must not depend on it: a disk that is full is
 * told of once, and the file is written when there is room again.
 */
import type { Progress } from './stack/index.ts'

export interface KeptFile {
  /** Something has changed: the file is written anew, after any writing that is under way. */
  changed(): void
  stop(): void
}

const AGAIN_AFTER_MS = 1_000

export function keepFile(
  name: string,
  write: () => Promise<void>,
  progress: Progress,
  againAfterMs = AGAIN_AFTER_MS,
): KeptFile {
  let isStale = false
  let writing = false
  let stopped = false
  const catchUp = async () => {
    writing = true
    for (let failures = 0; isStale && !stopped; ) {
      isStale = false
      try {
        await write()
        failures = 0
      } catch (error) {
        isStale = true
        if (failures++ === 0) progress(`${name}: not up to date (${String(error)}), trying again`)
        await new Promise((resolve) => setTimeout(resolve, againAfterMs).unref())
      }
    }
    writing = false
  }
  return {
    changed: () => {
      isStale = true
      if (!writing) void catchUp()
    },
    stop: () => {
      stopped = true
    },
  }
}
