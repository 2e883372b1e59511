/** Every member of the control document that can name a place is looked at, found by the schema itself. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { policyDocument } from '../../actions/policy-document.ts'
import { policyPlaces } from '../../actions/policy-places.ts'
import type { PolicyDocument } from '../../domain/policy.ts'

const NAMES = /^(project|surface|app)_id$/
interface Node {
  type?: string
  properties?: Record<string, Node>
  items?: Node
}

/** The document with one row in each list that has a place in it, and the path of every place. */
function filled(node: Node, at: string): { value: unknown; paths: string[] } {
  if (node.items !== undefined) {
    const { value, paths } = filled(node.items, `${at}/0`)
    return { value: paths.length === 0 ? [] : [value], paths }
  }
  const value: Record<string, unknown> = {}
  const paths: string[] = []
  for (const [name, member] of Object.entries(node.properties ?? {}))
    if (NAMES.test(name)) {
      value[name] = `${name[0]}_nowhere`
      paths.push(`${at}/${name}`)
    } else {
      const inner = filled(member, `${at}/${name}`)
      value[name] = inner.value
      paths.push(...inner.paths)
    }
  return { value, paths }
}

describe('places in a control document', () => {
  test('are found wherever the schema has room for one', () => {
    const schema = z.toJSONSchema(policyDocument, { io: 'input', unrepresentable: 'any' }) as Node
    const { value, paths } = filled(schema, '/policy')
    expect(paths.length).toBeGreaterThan(7)
    expect(
      policyPlaces(value as PolicyDocument)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(paths.sort())
  })

  test('are none where none is given, or every surface is meant', () => {
    expect(
      policyPlaces({
        budget: [{ scope: {}, threshold: '1', window_days: 7 }],
        strategy_locks: [{ action: 'note.append', surface_id: '*', required: true }],
        grants: [
          {
            principal_id: 'p_a',
            license_type: 'lt_a',
            actions: ['note.append'],
            project_id: null,
            expires_at: '2090-01-01T00:00:00Z',
            standing: null,
          },
        ],
      }),
    ).toEqual([])
  })
})
