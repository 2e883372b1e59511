/** The processes of a deployment, to be killed and to be paused. */
import type { Ground } from './ground.ts'
import type { Part } from './schedule.ts'
import { hang } from '../support/hang.ts'
import { until } from '../support/until.ts'

/** A part that is just being started again is waited for. */
const THERE_WITHIN_MS = 15_000

export class Parts {
  readonly #ground: Pick<Ground, 'own' | 'api' | 'worker'>

  constructor(ground: Pick<Ground, 'own' | 'api' | 'worker'>) {
    this.#ground = ground
  }

  /** False when it is not there to be killed. */
  async kill(part: Part): Promise<boolean> {
    return (await this.#once(part, (pid) => process.kill(pid, 'SIGKILL'))) !== null
  }

  /**
   * It stands still with the processes that it started: PostgreSQL's go on answering where only the first of them is stopped.
   * Answers what lets it go on, or null when it is not there.
   */
  async pause(part: Part): Promise<(() => void) | null> {
    return await this.#once(part, hang)
  }

  async #once<T>(part: Part, work: (pid: number) => T): Promise<T | null> {
    const tried = () => {
      const pid = this.#pidOf(part)
      try {
        return pid === null ? null : work(pid)
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return null
        throw error
      }
    }
    return await until(`${part} is there`, tried, { withinMs: THERE_WITHIN_MS }).catch(() => null)
  }

  #pidOf(part: Part): number | null {
    const { own, api, worker } = this.#ground
    switch (part) {
      case 'app':
        return own.deployment.app().pid ?? null
      case 'api':
        return api.pid
      case 'worker':
        return worker.pid
      case 'postgres':
      case 'temporal':
      case 's3':
        return own.deployment.stack.parts().find(({ name }) => name === part)?.pid ?? null
    }
  }
}
