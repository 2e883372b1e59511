/**
 * The first rows of a deployment, written once with the database owner's credential: the deployment itself, two
 * platform operators and, in lab, two tenants with a member of every role. Nothing loosens anything: all switches are
 * absent, which means stopped.
 */
import { createHash, randomBytes } from 'node:crypto'
import pg from 'pg'
import { leafRow, makeLeaf } from '../domain/leaf.ts'

export interface Credentials {
  url: string
  tenants: { id: string; keys: Record<string, string> }[]
  platform_operator: string
  platform_operator2: string
}

const LAB_TENANTS = ['t_demo', 't_other']
const EXPIRES = '2099-01-01T00:00:00Z'

/** Members of a lab tenant: name, kind, role and what the membership adds. */
const LAB_MEMBERS = [
  ['owner', 'user', 'owner', []],
  ['admin', 'user', 'admin', []],
  ['operator', 'user', 'operator', []],
  ['operator2', 'user', 'operator', []],
  ['member', 'user', 'member', []],
  ['viewer', 'user', 'viewer', []],
  ['auditor', 'user', 'auditor', []],
  ['agent', 'agent', 'member', ['execute:*']],
  ['service', 'service', 'member', ['execute:*', 'measure', 'budget:record']],
] as const

export interface BootstrapOptions {
  ownerUrl: string
  deployment: string
  mode: 'lab' | 'saas' | 'enterprise'
  lab: boolean
}

/** Null when the deployment exists already: its credentials were handed out then and cannot be read again. */
export async function bootstrap(options: BootstrapOptions): Promise<Omit<Credentials, 'url'> | null> {
  const client = new pg.Client({ connectionString: options.ownerUrl })
  await client.connect()
  try {
    await client.query('begin')
    const { rowCount } = await client.query(
      'insert into deployment (id, mode, lab_credentials) values ($1, $2, $3) on conflict do nothing',
      [options.deployment, options.mode, options.lab],
    )
    if (rowCount !== 1) {
      await client.query('rollback')
      return null
    }
    const platform_operator = await addPrincipal(client, null, 'platform_operator', 'user', true)
    const platform_operator2 = await addPrincipal(client, null, 'platform_operator2', 'user', true)
    const tenants = []
    for (const id of options.lab ? LAB_TENANTS : []) tenants.push(await addLabTenant(client, id))
    await writeFirstLeaf(client, options)
    await client.query('commit')
    return { tenants, platform_operator: platform_operator.token, platform_operator2: platform_operator2.token }
  } finally {
    await client.end()
  }
}

async function addLabTenant(client: pg.Client, id: string): Promise<Credentials['tenants'][number]> {
  await client.query(`select set_config('app.tenant', $1, true)`, [id])
  await client.query('insert into tenants (id, name) values ($1, $2)', [id, id.slice(2)])
  for (const [kind, place, name] of [
    ['project', 'p_main', 'Main project'],
    ['surface', 's_main', 'Main surface'],
    ['app', 'a_main', 'Main app'],
  ])
    await client.query('insert into places (tenant_id, kind, id, name) values ($1, $2, $3, $4)', [
      id,
      kind,
      place,
      name,
    ])
  const keys: Record<string, string> = {}
  for (const [name, kind, role, permissions] of LAB_MEMBERS) {
    const made = await addPrincipal(client, id, name, kind, false)
    await client.query('insert into memberships (tenant_id, principal_id, role, permissions) values ($1, $2, $3, $4)', [
      id,
      made.principalId,
      role,
      permissions,
    ])
    keys[name] = made.token
  }
  return { id, keys }
}

async function addPrincipal(
  client: pg.Client,
  tenantId: string | null,
  name: string,
  kind: 'user' | 'agent' | 'service',
  platform: boolean,
): Promise<{ principalId: string; token: string }> {
  const stem = `${tenantId === null ? 'system' : tenantId.slice(2)}_${name}`
  const principalId = `p_${stem}`
  await client.query(
    'insert into principals (id, kind, name, person_id, platform_role, home_tenant) values ($1, $2, $3, $4, $5, $6)',
    [principalId, kind, name, kind === 'user' ? `u_${stem}` : null, platform ? 'platform_operator' : null, tenantId],
  )
  const id = randomBytes(9).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  await client.query(
    'insert into api_keys (id, secret_hash, principal_id, tenants, expires_at) values ($1, $2, $3, $4, $5)',
    [id, createHash('sha256').update(secret).digest(), principalId, tenantId === null ? null : [tenantId], EXPIRES],
  )
  return { principalId, token: `exo_${id}_${secret}` }
}

async function writeFirstLeaf(client: pg.Client, options: BootstrapOptions): Promise<void> {
  await client.query(`select set_config('app.tenant', 't_system', true)`)
  const { rows } = await client.query<{ now: string }>('select iso(clock_timestamp()) as now')
  const leaf = leafRow(
    makeLeaf({
      kind: 'system.bootstrapped',
      tenant_id: 't_system',
      at: rows[0]?.now ?? '',
      actor: { principal_id: null, kind: 'system' },
      after: { deployment: options.deployment, mode: options.mode },
    }),
  )
  await client.query(`select write_leaves('t_system', null, null, jsonb_build_array($1::jsonb))`, [
    JSON.stringify(leaf),
  ])
}
