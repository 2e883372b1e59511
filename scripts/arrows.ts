/**
 * Checks every import of the checkout against the table of layers, and that no files import each other in a circle.
 *
 * Imports of types count for the layers, since they bind just as well; for circles they do not, since they are gone when
 * the program runs. A module whose name is computed is refused outside the layers that may import everything.
 */
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { listFiles, type Problem } from './checkout.ts'
import { findImports, type Import } from './imports.ts'
import { coversFile, coversPackage, type Layer, LAYERS } from './layers.ts'

const SOURCE = /\.(?:ts|tsx|mts|mjs|js)$/
/** Not layers: programs in other languages, generated files, and what the build tools read. */
const OUTSIDE = ['tools', 'artifacts', 'docs', 'deploy']

export function findArrowProblems(root: string): Problem[] {
  const files = listFiles(root)
  const known = new Set(files)
  const problems: Problem[] = []
  const edges = new Map<string, string[]>()
  for (const file of files.filter((each) => SOURCE.test(each) && isLayered(each))) {
    const layer = LAYERS[layerOf(file)]
    if (layer === undefined) {
      problems.push({ file, message: 'lies in a folder that is no layer' })
      continue
    }
    const targets: string[] = []
    for (const each of findImports(readFileSync(join(root, file), 'utf8'))) {
      const target = targetOf(file, each)
      const message = objection(file, layer, each, target, known)
      if (message !== null) problems.push({ file, line: each.line, message })
      if (target !== null && !each.typeOnly && known.has(target)) targets.push(target)
    }
    edges.set(file, targets)
  }
  return [...problems, ...findCircles(edges)]
}

function isLayered(file: string): boolean {
  return file.includes('/') && !file.startsWith('.') && !OUTSIDE.includes(layerOf(file))
}

function layerOf(file: string): string {
  return file.slice(0, file.indexOf('/'))
}

/** The file a relative import names, from the root; null for packages and computed names. */
function targetOf(file: string, { specifier }: Import): string | null {
  return specifier?.startsWith('.') ? posix.normalize(posix.join(posix.dirname(file), specifier)) : null
}

function objection(
  file: string,
  layer: Layer,
  { specifier, typeOnly }: Import,
  target: string | null,
  known: ReadonlySet<string>,
): string | null {
  if (specifier === null) return layer.imports.includes('*') ? null : 'imports a module whose name is computed'
  if (target === null) {
    if (isBuiltin(specifier) && !specifier.startsWith('node:')) return `imports ${specifier} without node:`
    const packages = [...layer.packages, ...(typeOnly ? (layer.packageTypes ?? []) : [])]
    return packages.some((entry) => coversPackage(entry, specifier))
      ? null
      : `${layerOf(file)} may not import ${specifier}`
  }
  if (!known.has(target)) return `imports ${specifier}, which does not exist`
  const imports = [layerOf(file), ...layer.imports, ...(typeOnly ? (layer.types ?? []) : [])]
  return imports.some((entry) => coversFile(entry, target)) ? null : `${layerOf(file)} may not import ${target}`
}

/** One problem for each circle that a walk in depth meets, named from its first file in order. */
function findCircles(edges: ReadonlyMap<string, readonly string[]>): Problem[] {
  const problems: Problem[] = []
  const done = new Set<string>()
  const way: string[] = []
  const visit = (file: string): void => {
    const start = way.indexOf(file)
    if (start >= 0) {
      const circle = way.slice(start)
      const first = circle.indexOf(circle.toSorted()[0] ?? file)
      const turned = [...circle.slice(first), ...circle.slice(0, first)]
      problems.push({
        file: turned[0] ?? file,
        message: `imports itself in a circle: ${[...turned, turned[0]].join(' -> ')}`,
      })
      return
    }
    if (done.has(file)) return
    way.push(file)
    for (const target of edges.get(file) ?? []) visit(target)
    way.pop()
    done.add(file)
  }
  for (const file of edges.keys()) visit(file)
  return problems
}
