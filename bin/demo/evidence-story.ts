/** The other half: what the live half left behind is verified offline, then damaged byte by byte and caught each time. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { type DemoStage, people } from './stage.ts'
import type { Deployment } from '../deployment.ts'
import { verifierOptions } from '../verifier.ts'
import { canonicalJson } from '../../domain/canonical.ts'
import { sha256Hex } from '../../domain/hash.ts'
import { verifyBundle, verifyPaths, type VerifyOptions } from '../../verify/verify.ts'

export async function evidenceStory(
  stage: DemoStage,
  deployment: Deployment,
  operations: ReadonlyMap<string, string>,
  dir: string,
): Promise<void> {
  stage.chapter('Evidence, verified offline')
  const bundles = await collect(deployment, operations, dir)
  stage.claim(
    bundles.size === operations.size,
    `${bundles.size} operations are sealed, each one bundle`,
    [...operations.keys()].join(', '),
  )
  const trust = new TextEncoder().encode(JSON.stringify(await stage.get(deployment.url, '/trust')))
  const options = await verifierOptions(trust)
  const report = await verifyPaths([dir], options)
  const checks = report.runs.reduce((sum, run) => sum + run.checks.length, 0)
  stage.claim(
    report.verdict === 'PASS',
    `every one verifies: ${checks} checks, each history replayed, each decision made again by the same gates`,
    report.runs
      .flatMap((run) => (run.divergence === null ? [] : [`${run.operation_id}: ${run.divergence}`]))
      .join('; '),
  )
  const untrusted = await verifyPaths([dir], await verifierOptions(null))
  stage.claim(
    untrusted.verdict === 'UNTRUSTED',
    `without the trust root the verdict is ${untrusted.verdict}, never a pass`,
    '',
  )

  stage.chapter('One byte of each artefact damaged, and the manifest mended to match')
  const executed = bundles.get('executed')
  if (executed !== undefined) await damage(stage, executed, options)
}

/** Waits for the seals and fetches the bundles. */
async function collect(
  deployment: Deployment,
  operations: ReadonlyMap<string, string>,
  dir: string,
): Promise<Map<string, Map<string, Uint8Array>>> {
  const { operator } = people(deployment)
  const bundles = new Map<string, Map<string, Uint8Array>>()
  for (const [story, id] of operations)
    for (let tries = 0; tries < 200; tries++) {
      const { status, body } = await operator.call('GET', `/operations/${id}/bundle`)
      if (status === 200) {
        await writeFile(join(dir, `${story}.zip`), body)
        bundles.set(story, new Map(Object.entries(unzipSync(body))))
        break
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  return bundles
}

/** A forger mends the manifest too, so that something deeper has to catch them. */
function withManifest(files: Map<string, Uint8Array>, changed: string): Map<string, Uint8Array> {
  if (changed === MANIFEST) return files
  const manifest = Object.fromEntries(
    [...files].filter(([name]) => name !== MANIFEST).map(([name, body]) => [name, sha256Hex(body)]),
  )
  return files.set(MANIFEST, new TextEncoder().encode(canonicalJson(manifest)))
}

const MANIFEST = 'manifest.json'

async function damage(
  stage: DemoStage,
  bundle: ReadonlyMap<string, Uint8Array>,
  options: VerifyOptions,
): Promise<void> {
  const missed: string[] = []
  let first = ''
  for (const [name, bytes] of bundle) {
    const damaged = Uint8Array.from(bytes)
    const at = Math.floor(bytes.length / 2)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    const run = await verifyBundle(withManifest(new Map(bundle).set(name, damaged), name), options)
    if (run.verdict === 'PASS') missed.push(name)
    else first ||= `${name}: ${run.divergence ?? ''}`
  }
  stage.claim(
    missed.length === 0,
    `${bundle.size} files damaged one at a time, ${bundle.size - missed.length} caught`,
    missed.length === 0 ? first : `missed: ${missed.join(', ')}`,
  )
}
