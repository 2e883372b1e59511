/**
 * A row named by its key is found by that key's index from the first minute on. Connections of the guard keep their plans,
 * and on tables that are empty and not yet analysed every index costs the same: a plan that takes another one reads a whole
 * tenant for one row. Driven by the catalogue: a key somebody adds tomorrow is in it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrate } from '../../bin/migrate.ts'
import { Database } from '../support/database.ts'
import { makeDatabase, type OwnDatabase } from '../support/own-database.ts'

interface Key {
  name: string
  table: string
  columns: string[]
}

let own: OwnDatabase
let database: Database
let keys: Key[]

beforeAll(async () => {
  own = await makeDatabase()
  await migrate(own.ownerUrl, () => undefined)
  database = new Database(own.ownerUrl)
  keys = await database.query<Key>(
    `select i.relname as name, c.relname as "table", array_agg(a.attname::text order by k.n) as columns
     from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
       cross join unnest(x.indkey) with ordinality as k (attnum, n)
       join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
     where x.indisunique and x.indpred is null and x.indexprs is null and c.relnamespace = 'public'::regnamespace
     group by 1, 2 order by 1`,
  )
})
afterAll(async () => {
  await database.end()
  await own.drop()
})

test('a plan that is kept finds a row of an empty table by a key that was named whole', async () => {
  const others: string[] = []
  for (const { table, columns } of keys) {
    const named = columns.map((column, n) => `${column} = $${n + 1}`).join(' and ')
    const plan = await database.transaction(async (client) => {
      await client.query('set local enable_seqscan = off')
      const { rows } = await client.query<{ line: string }>(
        `explain (generic_plan, costs off) select from ${table} where ${named}`,
      )
      return rows.flatMap((row) => Object.values(row)).join('\n')
    })
    const used = keys.find(({ name }) => new RegExp(`\\b(using|on) ${name}\\b`).test(plan))
    if (used?.columns.every((column) => columns.includes(column)) !== true) others.push(`${table} by ${named}: ${plan}`)
  }
  expect(others).toEqual([])
  expect(keys.length).toBeGreaterThan(40)
})
