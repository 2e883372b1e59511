/** The verifier as this checkout runs it: its own workflow bundle, the bundles it keeps, its own gates. */
import { join } from 'node:path'
import { buildWorkflowBundle } from './workflow-bundle.ts'
import { CHAIN_VERSION, makePass } from '../domain/gates/chain.ts'
import { decisionHash } from '../domain/receipt.ts'
import { keptCode } from '../verify/code-source.ts'
import { readTrustRoot } from '../verify/trust-root.ts'
import type { VerifyOptions } from '../verify/verify.ts'

export const KEPT_CODE = join(import.meta.dirname, '..', 'test', 'replay', 'code')

/** Everything a verification of this checkout needs; `trust` is the bytes of trust.json, or null for none. */
export async function verifierOptions(trust: Uint8Array | null): Promise<VerifyOptions> {
  return {
    trust: trust === null ? null : readTrustRoot(trust),
    code: { own: await buildWorkflowBundle(), kept: keptCode(KEPT_CODE) },
    deciders: [{ chainVersion: CHAIN_VERSION, makePass, decisionHash }],
  }
}
