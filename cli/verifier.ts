/**
 * The verifier as this checkout runs it: its own gates, the workflow bundle built from its own sources or from another
 * checkout, and the older bundles that checkout keeps.
 */
import { lstat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { usage } from './failure.ts'
import { readBytes } from './json-input.ts'
import { readOwnProcess } from './own-process.ts'
import type { Session } from './session.ts'
import { CHAIN_VERSION, makePass } from '../domain/gates/chain.ts'
import { decisionHash } from '../domain/receipt.ts'
import { keptCode } from '../verify/code-source.ts'
import type { Decider } from '../verify/decisions.ts'
import { Divergence } from '../verify/report.ts'
import { readTrustRoot, type TrustRoot } from '../verify/trust-root.ts'
import type { VerifyOptions } from '../verify/verify.ts'

const OWN = fileURLToPath(new URL('..', import.meta.url))

export const DECIDERS: readonly Decider[] = [{ chainVersion: CHAIN_VERSION, makePass, decisionHash }]

interface Wanted {
  trust: string | undefined
  /** Another checkout to build the workflow code from. */
  checkout: string | undefined
  runRecorded: boolean
}

export async function openVerifier(session: Session, { trust, checkout, runRecorded }: Wanted): Promise<VerifyOptions> {
  const root = checkout === undefined ? OWN : resolve(checkout)
  return {
    trust: trust === undefined ? null : await readTrust(trust),
    code: { own: await ownCode(session, root), kept: keptCode(join(root, 'test', 'replay', 'code')) },
    deciders: DECIDERS,
    runRecorded,
  }
}

async function readTrust(file: string): Promise<TrustRoot> {
  const bytes = await readBytes(file)
  try {
    return readTrustRoot(bytes)
  } catch (cause) {
    if (!(cause instanceof Divergence)) throw cause
    throw usage(`${file} is no trust root: ${cause.message}.`, {
      cause,
      remedy: 'It is what GET /trust answers, and exo trust writes.',
    })
  }
}

/** Made apart, since building is not for a client of the API; seconds the first time, kept afterwards. */
async function ownCode(session: Session, root: string): Promise<{ digest: string; code: string }> {
  const printed = await session.terminal.during('building the workflow code of the checkout', () =>
    readOwnProcess('print-workflow-bundle.ts', [root]),
  )
  if (printed === null)
    throw usage(`the workflow code of ${root} cannot be built.`, {
      remedy: 'It takes a checkout with its packages installed (npm ci).',
    })
  return JSON.parse(printed) as { digest: string; code: string }
}

/** Refuses paths that are not there, so that a slip of the pen is not a failed verification. */
export async function checkPaths(paths: readonly string[]): Promise<void> {
  for (const path of paths)
    await lstat(path).catch((cause: NodeJS.ErrnoException) => {
      throw usage(`${path} cannot be read (${cause.code ?? cause.message}).`, { cause })
    })
}
