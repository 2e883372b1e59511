import { NativeConnection, Worker, Runtime, DefaultLogger } from '@temporalio/worker'
import { Client, Connection } from '@temporalio/client'
import { buildWorkflowBundle } from '../../bin/workflow-bundle.ts'
import { anIntent, aPlan, goodFacts } from '../support/domain.ts'
import { intentHash, planHash } from '../../domain/plan.ts'
import { makePass } from '../../domain/gates/chain.ts'
import { decisionHash } from '../../domain/receipt.ts'
import { kindHash } from '../../domain/hash.ts'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { fileURLToPath } from 'node:url'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
Runtime.install({ logger: new DefaultLogger('WARN', (e) => console.error(e.level, e.message, e.meta)) })
const address = '127.0.0.1:27233', namespace = 'exoarmur'
const versioned = process.argv[2] !== 'plain'
const b = await buildWorkflowBundle()
const ops = new Map<string, any>()
const ended = (ref: any, status: any, error_code: any, error_details: any, passes: any, votes: any, result: any = null) => ({
  outcome: 'ended' as const, status, error_code, error_details, passes, votes, result,
  decision_hash: decisionHash({ intent_hash: ref.intent_hash, plan_hash: ref.plan_hash, passes, votes: votes.map((v: any) => v.jws), status, error_code }) })
const preview = { title: 'T', fields: [{ label: 'a', value: 'b' }] }
const activities = {
  async readPass(i: any) { const o = ops.get(i.operation_id); return { proposal_valid: true, facts: goodFacts(), preview, shown_hash: kindHash('shown', preview), ended: null, cancelled: false, votes: i.pass === 'resume' ? o.votes : [] } },
  async markPending(_i: any) { return { expires_at: 'x', remaining_ms: 20000 } },
  async admitVote(i: any) { const v = { jws: i.jws, by: 'p_1', person_id: 'person_1', permissions: ['decide'], role: 'operator', platform_role: null, assurance: 'attested', decision: 'approve', reason: null, nonce: 'n', shown_hash: kindHash('shown', preview), at: 'now' }; ops.get(i.operation_id).votes.push(v); return { vote: v } },
  async readDeadline(_i: any) { return { remaining_ms: 20000, cancelled: false } },
  async guardEffect(i: any) { const o = ops.get(i.operation_id); return ended(i, 'executed', null, {}, [...i.passes, makePass('guard', o.plan, o.intent, goodFacts() as any)], i.votes, { note_id: 'n' }) },
  async endOperation(i: any) { return ended(i, i.status, i.error_code, i.error_details, i.passes, i.votes) },
  async raiseAlarm(i: any) { console.error('ALARM', i) },
}
const native = await NativeConnection.connect({ address })
const taskQueue = 'q-' + randomUUID()
const deployment = 'exoarmur' + (versioned ? '' : '-none')
const worker = await Worker.create({
  connection: native, namespace, taskQueue, workflowBundle: { code: b.code }, activities,
  dataConverter: { payloadConverterPath: fileURLToPath(new URL('../../workflows/payload-converter.ts', import.meta.url)) },
  maxCachedWorkflows: 500,
  ...(versioned ? { workerDeploymentOptions: { version: { deploymentName: deployment, buildId: b.digest }, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' as const } } : {}),
})
const running = worker.run()
const grpc = await Connection.connect({ address })
const plainClient = new Client({ connection: grpc, namespace, dataConverter: { payloadConverterPath: fileURLToPath(new URL('../../workflows/payload-converter.ts', import.meta.url)) } })
const eagerClient = new Client({ connection: native, namespace, dataConverter: { payloadConverterPath: fileURLToPath(new URL('../../workflows/payload-converter.ts', import.meta.url)) } })
if (versioned) {
  const t = performance.now()
  for (let i = 0; ; i++) {
    try {
      const r = await grpc.workflowService.setWorkerDeploymentCurrentVersion({ namespace, deploymentName: deployment, buildId: b.digest, identity: 'x' } as any)
      console.log('current set after', Math.round(performance.now() - t), 'tries', i, r.previousDeploymentVersion)
      break
    } catch (e: any) { if (i > 100) throw e; if (i < 2) console.log('retry', e.message); await new Promise((r) => setTimeout(r, 50)) }
  }
}
async function start(client: Client, eager: boolean, standing: boolean) {
  const operation_id = 'op_' + randomUUID().slice(0, 12)
  const intent = anIntent({ operation_id }); const plan = aPlan({ standing })
  const input = { v: 1, tenant_id: 't_a', operation_id, intent, intent_hash: intentHash(intent), plan, plan_hash: planHash(plan), proposal: 'x.y.z' }
  ops.set(operation_id, { intent, plan, votes: [] })
  return await client.workflow.start('governedOperation', { workflowId: `t_a/${operation_id}`, taskQueue, args: [input], requestEagerStart: eager, workflowTaskTimeout: '5 s', workflowIdReusePolicy: 'REJECT_DUPLICATE' })
}
for (const [name, client, eager] of [['plain', plainClient, false], ['native', eagerClient, false], ['eager', eagerClient, true]] as const) {
  const times: number[] = []; let eagerly = 0
  for (let i = 0; i < 120; i++) { const t = performance.now(); const h = await start(client, eager, true); const r: any = await h.result(); if (r.status !== 'executed') console.log(r); if ((h as any).eagerlyStarted) eagerly++; times.push(performance.now() - t) }
  times.sort((a, b) => a - b); console.log(name, 'p50', times[60]!.toFixed(1), 'p95', times[114]!.toFixed(1), 'eagerly', eagerly)
}
for (const [name, client, eager] of [['votes-plain', plainClient, false],['votes-eager', eagerClient, true]] as const) {
const h = await start(client, eager, false)
await new Promise((r) => setTimeout(r, 300))
await h.signal('decide', 'a.b.c')
await h.signal('nonsense', 5)
console.log(name, await h.result())
const hist = await h.fetchHistory()
writeFileSync('/tmp/x/hist-' + name + '.json', historyToJSON(hist as any))
console.log(hist.events!.map((e: any) => e.eventId + ':' + e.eventType).join(' '))
}
const h = await start(eagerClient, true, false)
await new Promise((r) => setTimeout(r, 200))
await h.cancel()
await new Promise((r) => setTimeout(r, 300))
console.log('after cancel', (await h.describe()).status.name)
await h.signal('decide', 'a.b.c'); console.log(await h.result())
// by hand
const bad = await plainClient.workflow.start('governedOperation', { workflowId: 'nobody', taskQueue, args: [] })
try { console.log(await bad.result()) } catch (e: any) { console.log('bad', e.cause?.message) }
worker.shutdown(); await running; await grpc.close(); await native.close()
