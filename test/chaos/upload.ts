/** Somebody who uploads a file by a ticket, and goes on until the store says that it has it. */
import type { Caller } from '../support/client.ts'
import { type Ticket, uploadBy } from '../support/ticket.ts'

export class Upload {
  readonly bytes: Buffer
  readonly #sha256: string
  #ticket: Ticket | null = null
  #isThere = false

  constructor(bytes: Buffer, sha256: string) {
    this.bytes = bytes
    this.#sha256 = sha256
  }

  /** Null before there is a ticket. */
  get asset(): { asset_id: string; key: string } | null {
    return this.#ticket
  }

  /** One step further; true once the store has said that it has the bytes. */
  async goOn(caller: Caller): Promise<boolean> {
    if (this.#isThere) return true
    const ticket = this.#ticket ?? (await this.#ask(caller))
    this.#ticket = ticket
    if (ticket === null) return false
    const status = await uploadBy(ticket, this.bytes)
    this.#isThere = status < 300
    // Its time is over, or was told by a clock that was wrong: nobody takes it any more.
    if (status === 403) this.#ticket = null
    return this.#isThere
  }

  /** A ticket whose answer was lost is one that nobody uploads by. */
  async #ask(caller: Caller): Promise<Ticket | null> {
    const { status, body } = await caller.post<Ticket>('/nexus/raw/presign-upload', {
      filename: 'file.bin',
      content_type: 'application/octet-stream',
      sha256: this.#sha256,
      size_bytes: this.bytes.length,
    })
    return status === 201 ? body : null
  }
}
