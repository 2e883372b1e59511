#!/usr/bin/env node
/**
 * The command `exo`: the client of a running deployment, and of the verifier.
 *
 * Guarantees: as `launch.mjs`. Works from any directory; relative paths in its arguments are the caller's.
 */
import { join } from 'node:path'
import { launch } from './launch.mjs'
import { root } from './launcher/install.mjs'

await launch(join(root, 'cli', 'main.ts'), process.argv.slice(2))
