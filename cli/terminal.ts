/**
 * The two streams and who sits behind them. Results go to standard output, everything said on the way to standard error.
 * Colour, spinners and questions exist only where a person looks: on a TTY, and colour not when NO_COLOR is set.
 */
import { styleText } from 'node:util'
import { interrupted } from './failure.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'inverse'
export type Paint = (style: Style, text: string) => string

export interface Terminal {
  /** For standard output. */
  paint: Paint
  /** For standard error. */
  paintAside: Paint
  print(text: string): void
  /** A line to standard error; with `--json` too, since that is for standard output alone. */
  aside(text: string): void
  /** Whether a person can be asked. */
  interactive: boolean
  /** Runs a wait that is worth a spinner. */
  during<T>(label: string, wait: (tell: (label: string) => void) => Promise<T>): Promise<T>
  /** Ends the command unless the person says yes. */
  insist(question: string): Promise<void>
}

export function openTerminal(env: NodeJS.ProcessEnv): Terminal {
  const plain = env.NO_COLOR !== undefined && env.NO_COLOR !== ''
  const painter = (stream: NodeJS.WriteStream): Paint =>
    stream.isTTY && !plain && env.TERM !== 'dumb'
      ? (style, text) => styleText(style, text, { validateStream: false })
      : (_style, text) => text
  const aside = (text: string) => void process.stderr.write(`${text}\n`)
  return {
    paint: painter(process.stdout),
    paintAside: painter(process.stderr),
    print: (text) => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    aside,
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    during: isWide(process.stderr) ? spin : (label, wait) => waitPlainly(aside, label, wait),
    insist,
  }
}

/** A spinner draws over its own line, which a terminal without a width cannot. */
const isWide = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && stream.columns >= 40

const WORTH_TELLING_MS = 1_000

/** Says what is waited for once it takes long enough to wonder. */
async function waitPlainly<T>(
  aside: (text: string) => void,
  label: string,
  wait: (tell: (label: string) => void) => Promise<T>,
): Promise<T> {
  const timer = setTimeout(aside, WORTH_TELLING_MS, label)
  try {
    return await wait((next) => aside(next))
  } finally {
    clearTimeout(timer)
  }
}

async function spin<T>(label: string, wait: (tell: (label: string) => void) => Promise<T>): Promise<T> {
  const { spinner } = await import('@clack/prompts')
  const spinning = spinner({ output: process.stderr })
  spinning.start(label)
  try {
    return await wait((next) => spinning.message(next))
  } finally {
    spinning.clear()
  }
}

async function insist(question: string): Promise<void> {
  const { confirm } = await import('@clack/prompts')
  const yes = await confirm({ message: question, initialValue: false, output: process.stderr })
  if (yes !== true) throw interrupted('Declined at the prompt; nothing was sent.')
}
