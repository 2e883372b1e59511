/** Somebody who follows a tenant's events, through broken streams, by the cursor of the last that they heard. */
import type { Caller } from './client.ts'

interface Heard {
  cursor: string
  kind: string
  operation_id: string
}

export class Follower {
  readonly #reader: Caller
  readonly #gone = new AbortController()
  readonly #heard: Heard[] = []
  #last: string | null = null

  constructor(reader: Caller) {
    this.#reader = reader
  }

  /** Begins after what has happened so far. */
  async skipToTheEnd(): Promise<void> {
    for (let cursor = ''; ; ) {
      const { body } = await this.#reader.get(`/events?follow=false&limit=200${cursor}`)
      this.#last = body.items.at(-1)?.cursor ?? this.#last
      if (body.next_cursor === null) return
      cursor = `&after=${body.next_cursor}`
    }
  }

  /** Resolves after {@link stop}. */
  async follow(): Promise<void> {
    while (!this.#gone.signal.aborted) {
      await this.#once().catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  stop(): void {
    this.#gone.abort()
  }

  /** Of operations whose end was heard of, each as often as it was. */
  get ends(): string[] {
    return this.#heard.flatMap(({ kind, operation_id }) =>
      /^operation\.(executed|unknown|failed|blocked|cancelled|denied|expired|proposed)$/.test(kind)
        ? [operation_id]
        : [],
    )
  }

  async #once(): Promise<void> {
    const after = this.#last === null ? '' : `?after=${this.#last}`
    const response = await fetch(`${this.#reader.url}/events${after}`, {
      headers: { authorization: `Bearer ${this.#reader.token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' },
      signal: this.#gone.signal,
    })
    if (response.body === null || response.status !== 200) throw new Error(`a stream answered ${response.status}`)
    let text = ''
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const frames = text.split('\n\n')
      text = frames.pop() ?? ''
      for (const frame of frames) this.#hear(frame)
    }
  }

  #hear(frame: string): void {
    const data = /^data: (.*)$/m.exec(frame)?.[1]
    if (data === undefined) return
    const heard = JSON.parse(data) as Heard
    this.#last = heard.cursor
    this.#heard.push(heard)
  }
}
