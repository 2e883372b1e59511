/** The `typ` that each purpose's signatures carry: a signature of one purpose never verifies as another. */
import type { KeyPurpose } from './ports.ts'
import { PROPOSAL_TYP, RECEIPT_TYP, SEAL_TYP } from './receipt.ts'
import { VOTE_TYP } from './vote.ts'

export const PURPOSE_TYP: Readonly<Record<KeyPurpose, string>> = Object.freeze({
  proposal: PROPOSAL_TYP,
  attest: VOTE_TYP,
  receipt: RECEIPT_TYP,
  seal: SEAL_TYP,
})
