/** A copy of this checkout, from which another version of the product runs. */
import { cp, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
/** What no process that runs the product reads. */
const LEFT_OUT = new Set(['node_modules', 'test', 'docs'])

export async function copyCheckout(to: string): Promise<void> {
  for (const name of await readdir(ROOT))
    if (!name.startsWith('.') && !LEFT_OUT.has(name)) await cp(join(ROOT, name), join(to, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(to, 'node_modules'))
  // What Node makes of the copy would be kept for ever, under names that never come again.
  process.env.NODE_DISABLE_COMPILE_CACHE = '1'
}
