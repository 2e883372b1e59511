/**
 * The places of domain/crash-points.ts, where a test stops this process dead. Outside tests the environment names none and the
 * call does nothing; a point that was reached says so on a file before it kills.
 */
import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import type { CrashPoint } from '../domain/crash-points.ts'

/**
 * `EXO_CRASH_AT=E2:7` kills at the seventh time `E2` is reached. `EXO_CRASH_AT=@FILE` reads the same words from a file
 * whenever a point is reached, and takes the file away before it kills, so that the process that comes back lives.
 * `EXO_CRASH_LOG` is where hits are told.
 */
export function crashPointFrom(env: NodeJS.ProcessEnv): (name: CrashPoint) => void {
  const order = env.EXO_CRASH_AT ?? ''
  if (order === '') return () => undefined
  const file = order.startsWith('@') ? order.slice(1) : null
  let armed = ''
  let left = 0
  const crashPoint = (name: CrashPoint) => {
    const words = file === null ? order : existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
    const [wanted, nth] = words.split(':')
    if (words !== armed) [armed, left] = [words, Number(nth ?? '1')]
    if (words === '' || name !== wanted || --left > 0) return
    if (file !== null) rmSync(file)
    if (env.EXO_CRASH_LOG !== undefined) appendFileSync(env.EXO_CRASH_LOG, `${name} ${process.pid}\n`)
    process.kill(process.pid, 'SIGKILL')
  }
  whenSent(() => crashPoint('E4'))
  return crashPoint
}

/** Calls back when the bytes of an effect outside have been handed to the network, which no port tells. */
function whenSent(hit: () => void): void {
  subscribe('undici:request:bodySent', hit)
  subscribe('http.client.request.start', (message) => {
    const { request } = message as { request: { method: string; path: string } }
    if (request.method === 'PUT' && /\/(objects|raw)\//.test(request.path)) hit()
  })
}
