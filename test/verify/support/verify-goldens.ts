/** A verification as a process of its own: the golden histories with the code kept beside them, its report on standard output. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalJson } from '../../../domain/canonical.ts'
import { keptCode } from '../../../verify/code-source.ts'
import { readTrustRoot } from '../../../verify/trust-root.ts'
import { verifyPaths } from '../../../verify/verify.ts'
import { DECIDERS } from './options.ts'

const replay = join(import.meta.dirname, '..', '..', 'replay')
const none = { code: '', digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' }
const report = await verifyPaths([join(replay, 'histories')], {
  trust: readTrustRoot(readFileSync(join(replay, 'trust.json'))),
  deciders: DECIDERS,
  code: { own: none, kept: keptCode(join(replay, 'code')) },
})
process.stdout.write(canonicalJson(report))
