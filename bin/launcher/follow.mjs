/**
 * Preloaded into the program that `launch.mjs` starts: when the launcher disappears without a word, the program is
 * asked to stop.
 *
 * Guarantees: a program whose launcher was killed with SIGKILL gets SIGTERM within half a second, so its servers do not
 * outlive the command that was typed. Keeps nothing alive by itself.
 */
import { isMainThread } from 'node:worker_threads'

const launcher = Number(process.env.EXO_LAUNCHER_PID)
// Processes that the program itself starts inherit the environment, and are its own business.
delete process.env.EXO_LAUNCHER_PID

if (isMainThread && launcher === process.ppid) {
  const watch = setInterval(() => {
    if (process.ppid === launcher) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  watch.unref()
}
