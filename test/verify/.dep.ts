import { Deployment } from './support/deployment.ts'
import { currentFacts } from './support/facts.ts'
import { writeFileSync, mkdirSync } from 'node:fs'
import { unzipSync } from 'fflate'
const d = await Deployment.start()
try {
  const a = await d.propose({ plan: { fast_path: true } })
  const za = await d.sealed(a)
  const f = unzipSync(za)
  console.log(Object.keys(f).join(' '), za.length)
  const b = await d.propose({ plan: { standing: false } })
  await d.untilPending(b)
  d.addVoter('v1')
  await d.decide(b, await d.vote(b, 'p_v1'))
  const zb = await d.sealed(b)
  console.log(zb.length, JSON.parse(d.rows.of(b.operation_id).receipt!.receipt).status)
  mkdirSync('/tmp/x/b', { recursive: true })
  writeFileSync('/tmp/x/b/a.zip', za); writeFileSync('/tmp/x/b/b.zip', zb); writeFileSync('/tmp/x/b/trust.json', JSON.stringify(d.trust))
  console.log(Buffer.from(unzipSync(zb)['seal.jws']!).toString().split('.').slice(0, 2).map((x) => Buffer.from(x, 'base64url').toString()))
} finally { await d.close() }
