import { Worker, Runtime, DefaultLogger, makeTelemetryFilterString } from '@temporalio/worker'
import { buildWorkflowBundle } from '/work/main/bin/workflow-bundle.ts'
import { readFileSync } from 'node:fs'
Runtime.install({ logger: new DefaultLogger('ERROR', (e) => console.error(e.level, e.message, e.meta)), telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } } })
const b = await buildWorkflowBundle()
const h = JSON.parse(readFileSync('/tmp/x/hist-votes-eager.json', 'utf8'))
const rec: any[] = []
const wid = h.events[0].workflowExecutionStartedEventAttributes.workflowId
function* gen() { for (let i = 0; i < 200; i++) yield { workflowId: wid, history: JSON.parse(JSON.stringify(h)) } }
const t = performance.now()
let n = 0
for await (const r of Worker.runReplayHistories({ workflowBundle: { code: b.code }, replayName: 'exo-verify', dataConverter: { payloadConverterPath: '/work/main/workflows/payload-converter.ts' }, sinks: { exoRecorder: { commands: { callDuringReplay: true, fn(info: any, cmds: any[]) { if (n === 0) rec.push({ run: info.runId, replaying: info.unsafe.isReplaying, cmds }) } } } } } as any, gen())) { if (n === 0) { console.log(r.error?.message, r.runId, performance.now() - t) } n++; if (n == 30) console.log('30', performance.now() - t) }
console.log(n, performance.now() - t)
for (const r of rec) { console.log(r.run, r.replaying, JSON.stringify(r.cmds,(k,v)=>ArrayBuffer.isView(v)?Buffer.from(v as any).toString().slice(0,80):v).slice(0, 1200)) }
