/**
 * Bundles of every way an operation can end, made by real runs: each verifies, and every tampered twin of one is noticed by the
 * check that is there for it. The score is printed.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Evidence, makeEvidence } from './support/scenarios.ts'
import { Kit } from './support/twins/kit.ts'
import { TWINS } from './support/twins/index.ts'
import { CHAIN_VERSION, makePass } from '../../domain/gates/chain.ts'
import { decisionHash } from '../../domain/receipt.ts'
import { canonicalJson } from '../../domain/canonical.ts'
import { readTrustRoot } from '../../verify/trust-root.ts'
import { unpackBundle } from '../../verify/read-bundle.ts'
import { Verifier, verifyBundle, type VerifyOptions } from '../../verify/verify.ts'

let evidence: Evidence
let options: VerifyOptions

beforeAll(async () => {
  evidence = await makeEvidence()
  const { trust, bundle } = evidence.deployment
  options = {
    trust: readTrustRoot(new TextEncoder().encode(canonicalJson(trust))),
    deciders: [{ chainVersion: CHAIN_VERSION, makePass, decisionHash }],
    code: { own: bundle, kept: async () => null },
  }
}, 120_000)
afterAll(async () => await evidence.deployment.close())

describe('tampered twins', () => {
  test('every one of them is noticed', { timeout: 120_000 }, async () => {
    const missed: string[] = []
    const verifier = new Verifier(options)
    for (const twin of TWINS) {
      const kit = new Kit(evidence.deployment, evidence.bundles.get(twin.from) ?? new Uint8Array(), evidence.bundles)
      await twin.make(kit)
      const report = await verifier.verify(kit.files)
      const failed = report.checks.filter(({ verdict }) => verdict === 'FAIL').map(({ name }) => name)
      if (report.verdict !== 'FAIL' || !failed.includes(twin.noticed))
        missed.push(
          `${twin.from}: ${twin.name}: ${report.verdict} ${report.divergence} [${failed.join(' ')}], not ${twin.noticed}`,
        )
    }
    await verifier.close()
    console.log(`tampered twins: ${TWINS.length - missed.length} of ${TWINS.length} noticed`)
    expect(missed).toEqual([])
  })
  test('genuine', async () => {
    for (const [name, zip] of evidence.bundles)
      expect([name, (await verifyBundle(unpackBundle(zip), options)).divergence]).toEqual([name, null])
  })
})
