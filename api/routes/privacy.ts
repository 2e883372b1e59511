/**
 * What may be learned from: the tenant's word and each person's. The most restrictive wins. Opting out is immediate, and a
 * person's own opting in too; the tenant opts back in by another person's vote.
 */
import { CONTROL_ANSWERS, changeLeaf, governed } from './controls.ts'
import type { Ctx } from '../request.ts'
import { addRoute, type App } from '../route.ts'
import { trainPrefRequest } from '../schemas.ts'

export function privacyRoutes(app: App): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/privacy/train-prefs',
      kind: 'read',
      summary: 'What the tenant and the caller said, and what follows',
      permissions: ['read'],
    },
    async (c) => await answerPrefs(c),
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/privacy/train-prefs/tenant',
      kind: 'record',
      summary: 'Opt the tenant out at once, or ask to opt back in',
      loosens: true,
      permissions: ['configure:privacy'],
      body: trainPrefRequest,
      answers: CONTROL_ANSWERS,
    },
    async (c, { body }) =>
      body.opt_out
        ? await say(c, null, true)
        : await governed(c, 'train_prefs.put', { opt_out: false }, 'opt the tenant back in'),
  )

  addRoute(
    app,
    {
      method: 'post',
      path: '/privacy/train-prefs/user',
      kind: 'record',
      summary: 'Opt oneself out, or back in',
      permissions: ['read'],
      body: trainPrefRequest,
      answers: { 200: { description: 'Recorded.' } },
    },
    async (c, { body }) => await say(c, c.get('caller').principal.id, body.opt_out),
  )
}

/** A person speaks for whatever they own; whatever they own speaks for itself alone. */
async function say(c: Ctx, principalId: string | null, opt_out: boolean): Promise<Response> {
  const caller = c.get('caller')
  const { id, kind, person_id } = caller.principal
  const whose = principalId === null ? { scope: 'tenant' } : { scope: 'user', user_id: principalId }
  const pref = {
    principal_id: principalId,
    person_id: principalId !== null && kind === 'user' ? person_id : null,
    opt_out,
    by: id,
  }
  await c
    .get('ports')
    .privacy.put(caller.tenant_id, pref, c.get('requestId'), (before) =>
      changeLeaf(c, 'train_prefs.put', null, { ...whose, opt_out }, before, !opt_out && caller.train_ok),
    )
  return await answerPrefs(c)
}

async function answerPrefs(c: Ctx): Promise<Response> {
  const { tenant_id, principal } = c.get('caller')
  return c.json(await c.get('ports').privacy.read(tenant_id, principal.id, principal.person_id))
}
