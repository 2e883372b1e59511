/** What the demo speaks through: claims that hold or not, and callers by name. */
import type { Deployment } from '../deployment.ts'

export interface Answer {
  status: number

  body: any
  headers: Headers
}

export class DemoStage {
  held = 0
  broken = 0
  readonly say: (line: string) => void
  constructor(say: (line: string) => void) {
    this.say = say
  }

  chapter(title: string): void {
    this.say(`\n${title}`)
  }

  /** One line: what happened, and why it had to. */
  claim(holds: boolean, what: string, why: string): void {
    if (holds) this.held++
    else this.broken++
    this.say(`  ${holds ? '✓' : '✗'} ${what}${why === '' ? '' : `\n      ${why}`}`)
  }

  async get(url: string, path: string): Promise<unknown> {
    return await (await fetch(url + path)).json()
  }
}

export class Person {
  readonly #url: string
  readonly #token: string
  readonly #platform: boolean
  constructor(url: string, token: string | undefined, platform = false) {
    if (token === undefined) throw new Error('no such credential')
    this.#url = url
    this.#token = token
    this.#platform = platform
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        'x-mode': 'lab',
        ...(this.#platform ? {} : { 'x-project-id': 'p_main' }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const bytes = new Uint8Array(await response.arrayBuffer())
    const json = /json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      body: json ? JSON.parse(new TextDecoder().decode(bytes)) : bytes,
    }
  }

  async vote(
    operation: { id: string; intent_hash: string },
    decision: 'approve' | 'deny',
    reason: string,
  ): Promise<Answer> {
    return await this.call('POST', `/operations/${operation.id}/decisions`, {
      decision,
      intent_hash: operation.intent_hash,
      reason,
    })
  }
}

export function people({ url, credentials }: Deployment) {
  const of = (tenant: string, name: string) =>
    new Person(url, credentials.tenants.find((each) => each.id === tenant)?.keys[name])
  return {
    platform: new Person(url, credentials.platform_operator, true),
    platform2: new Person(url, credentials.platform_operator2, true),
    owner: of('t_demo', 'owner'),
    operator: of('t_demo', 'operator'),
    operator2: of('t_demo', 'operator2'),
    agent: of('t_demo', 'agent'),
    stranger: of('t_other', 'operator'),
  }
}
