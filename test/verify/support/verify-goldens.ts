/** Verifies the golden histories with the code kept beside them; as a program it puts the report on standard output. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalJson } from '../../../domain/canonical.ts'
import { codeDigest, keptCode } from '../../../verify/code-source.ts'
import { readTrustRoot } from '../../../verify/trust-root.ts'
import { verifyPaths } from '../../../verify/verify.ts'
import { DECIDERS } from './options.ts'

const replay = join(import.meta.dirname, '..', '..', 'replay')

export async function verifyGoldens(): Promise<string> {
  const report = await verifyPaths([join(replay, 'histories')], {
    trust: readTrustRoot(readFileSync(join(replay, 'trust.json'))),
    deciders: DECIDERS,
    code: { own: { code: '', digest: codeDigest('') }, kept: keptCode(join(replay, 'code')) },
  })
  return canonicalJson(report)
}

if (process.argv[1] === import.meta.filename) process.stdout.write(await verifyGoldens())
