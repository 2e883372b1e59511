/** How tests verify: the checkout's own gates, and the code and trust root they are given. */
import { CHAIN_VERSION, makePass } from '../../../domain/gates/chain.ts'
import { canonicalJson, type JsonObject } from '../../../domain/canonical.ts'
import { decisionHash } from '../../../domain/receipt.ts'
import { readTrustRoot, type TrustRoot } from '../../../verify/trust-root.ts'
import type { VerifyOptions } from '../../../verify/verify.ts'
import type { Deployment } from './deployment.ts'

export const DECIDERS = [{ chainVersion: CHAIN_VERSION, makePass, decisionHash }]

export function optionsFor({ trust, bundle }: Deployment): VerifyOptions & { trust: TrustRoot } {
  return { trust: trustOf(trust), deciders: DECIDERS, code: { own: bundle, kept: async () => null } }
}

export function trustOf(document: JsonObject): TrustRoot {
  return readTrustRoot(new TextEncoder().encode(canonicalJson(document)))
}
