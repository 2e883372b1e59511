/**
 * The port of the API, looked at before anything is made for who asked for it, and what is said where it cannot be had.
 *
 * Reserves nothing: who listens later may still lose it, and says the same.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { listenFault } from './stack/ports.ts'
import { NotUsable } from './stack/types.ts'

/** A deployment that was killed lets its port go a moment later, and may be started again at once. */
const LET_GO_WITHIN_MS = 2_000

export async function expectPort(host: string, port: number): Promise<void> {
  for (const since = performance.now(); ; ) {
    const fault = await listenFault(host, port)
    if (fault === null) return
    if (fault.code !== 'EADDRINUSE' || performance.now() - since > LET_GO_WITHIN_MS)
      throw portRefused(host, port, fault)
    await pause(100)
  }
}

export function portRefused(host: string, port: number, fault: NodeJS.ErrnoException): NotUsable {
  const other = 'choose another port with PORT or exo up --port; 0 takes a free one'
  return fault.code === 'EADDRINUSE'
    ? new NotUsable(`port ${port} of ${host} is in use`, {
        remedy: `Stop what listens there, which may be a deployment that runs already, or ${other}.`,
        cause: fault,
      })
    : new NotUsable(`the API cannot listen on port ${port} of ${host}: ${fault.message}`, {
        remedy: `EXO_HOST names the address; ${other}.`,
        cause: fault,
      })
}
