/**
 * Prints the workflow bundle of a checkout as JSON, `{digest, code}`: for verifiers that may build nothing themselves.
 * The one argument is the checkout; without it, this one.
 */
import { resolve } from 'node:path'
import { buildWorkflowBundle } from './workflow-bundle.ts'

const [root] = process.argv.slice(2)
const { digest, code } = await buildWorkflowBundle(root === undefined ? {} : { root: resolve(root) })
process.stdout.write(JSON.stringify({ digest, code }))
