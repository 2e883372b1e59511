/**
 * Named places in the path of an effect where a test stops this process dead. Outside tests the environment names none
 * and the call does nothing; a point that was reached says so on a file before it kills.
 */
import { appendFileSync } from 'node:fs'

/** `EXO_CRASH_AT=E2:7` kills at the seventh time `E2` is reached; `EXO_CRASH_LOG` is where hits are told. */
export function crashPointFrom(env: NodeJS.ProcessEnv): (name: string) => void {
  const [wanted, nth] = (env.EXO_CRASH_AT ?? '').split(':')
  if (wanted === undefined || wanted === '') return () => undefined
  let left = Number(nth ?? '1')
  return (name) => {
    if (name !== wanted || --left > 0) return
    if (env.EXO_CRASH_LOG !== undefined) appendFileSync(env.EXO_CRASH_LOG, `${name} ${process.pid}\n`)
    process.kill(process.pid, 'SIGKILL')
  }
}
