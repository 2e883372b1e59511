/**
 * Named places in the path of an effect where a test stops this process dead. Outside tests the environment names none
 * and the call does nothing; a point that was reached says so on a file before it kills.
 *
 * | point | what is committed when the process dies there |
 * |---|---|
 * | A1, A2 | the operation's row, its run not started / its run too, nobody answered |
 * | P1, P2 | that it waits for people / its end without an effect, the run not told |
 * | E1, E2, E6 | nothing: before the guard, after the effect, before the commit |
 * | E3, E5 | the claim of an effect outside: nothing sent / answered, the outcome not written; of several inputs: none / some done |
 * | E7 | effect, claim and receipt, the run not told |
 * | S1, S2 | the bundle's bytes, not the seal / the seal too, the step not answered |
 */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'

/**
 * `EXO_CRASH_AT=E2:7` kills at the seventh time `E2` is reached. `EXO_CRASH_AT=@FILE` reads the same words from a file
 * whenever a point is reached, and takes the file away before it kills, so that the process that comes back lives.
 * `EXO_CRASH_LOG` is where hits are told.
 */
export function crashPointFrom(env: NodeJS.ProcessEnv): (name: string) => void {
  const order = env.EXO_CRASH_AT ?? ''
  if (order === '') return () => undefined
  const file = order.startsWith('@') ? order.slice(1) : null
  let armed = ''
  let left = 0
  return (name) => {
    const words = file === null ? order : existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
    const [wanted, nth] = words.split(':')
    if (words !== armed) [armed, left] = [words, Number(nth ?? '1')]
    if (words === '' || name !== wanted || --left > 0) return
    if (file !== null) rmSync(file)
    if (env.EXO_CRASH_LOG !== undefined) appendFileSync(env.EXO_CRASH_LOG, `${name} ${process.pid}\n`)
    process.kill(process.pid, 'SIGKILL')
  }
}
