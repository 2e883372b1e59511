/** What the home's processes.json tells of the deployment that runs there, when it is the one being called. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from './session.ts'

interface LabProcess {
  name: string
  address: string
  ui?: string | null
  namespace?: string
}

export interface TemporalPlace {
  address: string
  ui: string | null
}

/** Null when this machine does not know where the Temporal of the called deployment is. */
export async function findTemporal(session: Session): Promise<TemporalPlace | null> {
  if (session.env.EXO_TEMPORAL_ADDRESS)
    return { address: session.env.EXO_TEMPORAL_ADDRESS, ui: session.env.EXO_TEMPORAL_UI || null }
  try {
    const processes = JSON.parse(await readFile(join(session.home, 'processes.json'), 'utf8')) as LabProcess[]
    const api = processes.find(({ name }) => name === 'api')
    const temporal = processes.find(({ name }) => name === 'temporal')
    const called = new URL(session.api.connection.url).host
    return temporal === undefined || api?.address !== called
      ? null
      : { address: temporal.address, ui: temporal.ui ?? null }
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
