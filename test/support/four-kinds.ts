/**
 * Work of every kind of effect in a tenant of its own, and what its witnesses say became of it: World of notes, the object
 * store of objects, and two targets outside, of which one keeps keys.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { notRequired } from './opening.ts'
import type { OwnDeployment } from './own-deployment.ts'
import { type Received, Receiver } from './receiver.ts'
import { makeTenant, noteOf, standingFor, type Tenant, UNLIMITED } from './tenant.ts'

export const KINDS = ['transactional', 'conditional', 'keyed', 'blind'] as const
export type Kind = (typeof KINDS)[number]

export interface Work {
  kind: Kind
  /** Of its note, object or body. */
  name: string
  request: object
}

/** How many of each. */
export function countOf(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(Object.entries(Object.groupBy(words, (word) => word)).map(([k, v]) => [k, v?.length ?? 0]))
}

export class FourKinds {
  readonly tenant: Tenant
  readonly #own: OwnDeployment
  readonly #keyed: Receiver
  readonly #blind: Receiver
  #names = 0

  private constructor(own: OwnDeployment, tenant: Tenant, keyed: Receiver, blind: Receiver) {
    this.#own = own
    this.tenant = tenant
    this.#keyed = keyed
    this.#blind = blind
  }

  static async open(own: OwnDeployment, stem: string): Promise<FourKinds> {
    const tenant = await makeTenant(own.all, own.deployment.url, stem)
    const [keyed, blind] = [await Receiver.start(), await Receiver.start()]
    await tenant.open({
      ...UNLIMITED,
      ...standingFor(tenant, 1_000_000, '1000000', ['note.append', 'note.remove', 'object.put']),
      not_required: notRequired('reversible', 'contained', 'irreversible'),
      egress: [
        { origin: keyed.origin, methods: ['POST'], idempotency_header: 'Idempotency-Key' },
        { origin: blind.origin, methods: ['POST'], idempotency_header: null },
      ],
    })
    return new FourKinds(own, tenant, keyed, blind)
  }

  async close(): Promise<void> {
    await this.#keyed.stop()
    await this.#blind.stop()
  }

  work(kind: Kind): Work {
    const name = `w-${++this.#names}`
    return { kind, name, request: { ...this.#request(kind, name), estimated_cost: '1' } }
  }

  #request(kind: Kind, name: string): object {
    switch (kind) {
      case 'transactional':
        return noteOf('kinds', name)
      case 'conditional':
        return { action: 'object.put', input: { name, text: `text of ${name}` } }
      case 'keyed':
      case 'blind':
        return {
          action: 'http.post',
          target: `${(kind === 'keyed' ? this.#keyed : this.#blind).origin}/ok`,
          input: { body: { name } },
        }
    }
  }

  /** How many requests the two targets have received. */
  get arrived(): number {
    return this.#keyed.received.length + this.#blind.received.length
  }

  /** What the witnesses have seen so far, each in a way of its own: the database's trigger, the store's files, two servers. */
  async witnessed(): Promise<Record<Kind, readonly string[]>> {
    const effects = await this.#own.world.effects()
    const folder = join(this.#own.deployment.home, 's3/objects/exoarmur/tenants', this.tenant.id, 'dev/objects')
    const objects = await readdir(folder).catch(() => [])
    const sent = ({ received }: Receiver) => received.map(({ headers }) => String(headers['x-exo-operation-id']))
    return {
      transactional: effects.map(({ operation_id }) => operation_id),
      conditional: objects,
      keyed: sent(this.#keyed),
      blind: sent(this.#blind),
    }
  }

  /** What the witnesses saw fits what the operation says of itself; answers its status. */
  async expectTruth({ kind, name }: Work, id: string, withinMs: number): Promise<string> {
    const { status } = await this.tenant.ended(id, withinMs)
    const what = `${kind} ${id} ${status}`
    switch (kind) {
      case 'transactional': {
        const effects = (await this.#own.world.effects()).filter(({ operation_id }) => operation_id === id)
        expect(
          effects.map(({ text }) => text),
          what,
        ).toEqual(status === 'executed' ? [name] : [])
        break
      }
      case 'conditional': {
        const object = await this.#object(name)
        expect(object, what).toBe(status === 'executed' ? `text of ${name}` : null)
        break
      }
      case 'keyed': {
        const requests = this.#sentFor(id)
        expect(new Set(requests.map(({ headers }) => headers['idempotency-key'])).size, what).toBeLessThan(2)
        if (status === 'executed') expect(requests.length, what).toBeGreaterThan(0)
        break
      }
      case 'blind': {
        const requests = this.#sentFor(id)
        expect(requests.length, what).toBeLessThan(2)
        if (status === 'executed') expect(requests.length, what).toBe(1)
        break
      }
    }
    if (status === 'blocked') expect(this.#sentFor(id), what).toEqual([])
    return status
  }

  #sentFor(id: string): Received[] {
    return [...this.#keyed.received, ...this.#blind.received].filter(
      ({ headers }) => headers['x-exo-operation-id'] === id,
    )
  }

  async #object(name: string): Promise<string | null> {
    const response = await fetch(`${this.#own.deployment.url}/objects/${name}`, {
      headers: {
        authorization: `Bearer ${this.tenant.as('viewer').token}`,
        'x-mode': 'lab',
        'x-project-id': 'p_main',
      },
    })
    return response.status === 200 ? await response.text() : null
  }
}
