/**
 * A real Chromium without a window, driven over its DevTools protocol by the WebSocket that Node brings: pages are opened,
 * read, and used by keys as a person without a mouse uses them. Each has a profile of its own, gone when it is closed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { until } from './until.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const FLAGS = [
  '--headless',
  // As root there is no sandbox to be had, and nothing but our own page is opened.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--remote-debugging-port=0',
]

/** Where Chromium is installed, or null. */
export function findChromium(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const files = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
  return files.find(isProgram) ?? null
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // Not there, or not ours to run.
    return false
  }
}

export class Page {
  /** What the console and the page complained about. */
  readonly complaints: string[] = []
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, { resolve: (result: any) => void; reject: (error: Error) => void }>()
  #sent = 0

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data))))
  }

  send(method: string, params: object = {}): Promise<any> {
    const id = ++this.#sent
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
  }

  #hear({ id, method, params, result, error }: any): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error !== undefined) waiting?.reject(new Error(error.message))
    else waiting?.resolve(result)
    if (method === 'Runtime.exceptionThrown') this.complaints.push(params.exceptionDetails.exception?.description ?? '')
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.complaints.push(params.entry.text)
    if (method === 'Runtime.consoleAPICalled' && params.type === 'error')
      this.complaints.push(String(params.args[0]?.value))
  }

  async open(url: string): Promise<void> {
    await this.send('Page.navigate', { url })
    await this.until('the page is loaded', `document.readyState === 'complete' && location.href !== 'about:blank'`)
  }

  /** The value of an expression in the page; a promise is waited for. */
  async evaluate(expression: string): Promise<any> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? expression)
    return result.value
  }

  async until(what: string, expression: string): Promise<any> {
    return await until(what, async () => (await this.evaluate(expression)) || null, {
      seen: () => this.complaints,
    })
  }

  /** Puts the focus on what the selector finds and presses Enter there. */
  async press(selector: string): Promise<void> {
    await this.#focus(selector)
    const key = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' }
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...key })
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key })
  }

  async type(selector: string, text: string): Promise<void> {
    await this.#focus(selector)
    await this.evaluate('document.activeElement.select()')
    await this.send('Input.insertText', { text })
  }

  async #focus(selector: string): Promise<void> {
    const focused = await this.evaluate(
      `(() => { const found = document.querySelector(${JSON.stringify(selector)}); found?.focus(); return found !== null && document.activeElement === found })()`,
    )
    if (focused !== true) throw new Error(`nothing takes the focus at ${selector}`)
  }
}

export interface Browser {
  page: Page
  close(): Promise<void>
}

export async function openBrowser(program: string): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'exo-browser-'))
  const child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, so that its children end with it.
    detached: true,
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  try {
    const { origin } = new URL((await addressOf(child)).replace('ws:', 'http:'))
    const targets = (await (await fetch(`${origin}/json/list`)).json()) as {
      type: string
      webSocketDebuggerUrl: string
    }[]
    const socket = new WebSocket(targets.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '')
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', () => reject(new Error('the browser does not talk')))
    })
    const page = new Page(socket)
    for (const domain of ['Page', 'Runtime', 'Log']) await page.send(`${domain}.enable`)
    return {
      page,
      close: async () => {
        socket.close()
        await end(child, gone, profile)
      },
    }
  } catch (error) {
    await end(child, gone, profile)
    throw error
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error('the browser has no stderr')
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    const [, address] = /^DevTools listening on (ws:\S+)$/.exec(line) ?? []
    if (address !== undefined) {
      child.stderr.resume()
      return address
    }
    said.push(line)
  }
  throw new Error(`the browser ended: ${said.join('\n').slice(0, 2_000)}`)
}

async function end(child: ChildProcess, gone: Promise<void>, profile: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    process.kill(-child.pid, 'SIGKILL')
    await gone
  }
  await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}
