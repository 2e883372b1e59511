/**
 * Constraints of a strategy lock: one expression of the Common Expression Language over the action, its target, its input
 * and its estimated cost. Pure and the same everywhere, so that a replay decides it again.
 *
 * Only what an expression may use is listed: no time, no regular expressions, no bindings, no loop inside a loop, and a
 * bounded size. A constraint holds only when it evaluates to true; an error, a missing member or too much work is a no.
 */
import { Environment } from '@marcbachmann/cel-js/evaluator'
import { canonicalJson, type Json, type JsonObject } from './canonical.ts'
import { beginning } from './text.ts'

export const CONSTRAINT_CHARACTERS = 1000

const LIMITS = { maxAstNodes: 120, maxDepth: 32, maxListElements: 50, maxMapEntries: 20, maxCallArguments: 4 }
/** Reading an expression, in the units of {@link Work}. */
const READING = 100_000

const LOOPS = ['all', 'exists', 'exists_one', 'filter']
/** Searched for is only what stands in the expression: two texts of an input can be made so that a search takes minutes. */
const SEARCHES = ['startsWith', 'endsWith', 'contains']
const NEEDLE_CHARACTERS = 100
const FUNCTIONS = ['has', 'size', 'double', 'int', 'string']
const METHODS = [...LOOPS, ...SEARCHES, 'size']
const OPERATORS = [
  '?:',
  '&&',
  '||',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  '+',
  '-',
  '*',
  '/',
  '%',
  '!_',
  '-_',
  '[]',
  '.',
]
const PLAIN = [...OPERATORS, 'id', 'value', 'list', 'map']

const CEL = new Environment({ limits: LIMITS })
  .registerVariable('action', 'string')
  .registerVariable('target', 'dyn')
  .registerVariable('input', 'map<string, dyn>')
  .registerVariable('estimated_cost', 'double')

/** What a constraint is asked about. */
export interface Constrained {
  action: string
  target: string | null
  input: JsonObject
  /** Decimal text; compared as a double, so that exact limits of money belong into a budget. */
  estimated_cost: string
}

/**
 * What all constraints of one pass may take together: nodes, times the longest collection where there is a loop, times the
 * longest text searched for, times the characters of the input. About a second at the very worst.
 */
export interface Work {
  left: number
}

export function workOfAPass(): Work {
  return { left: 30_000_000 }
}

interface Node {
  op: string
  args: unknown
}

/** What an expression is made of, or what is wrong with it. */
type Read = (Seen & { evaluate: (context: Record<string, unknown>) => unknown }) | { fault: string }

interface Seen {
  nodes: number
  loops: boolean
  /** Characters of the longest text that is searched for. */
  needle: number
}

/** Why this is no constraint, in words for whoever wrote it, or null. */
export function constraintFault(source: string): string | null {
  const read = readConstraint(source)
  return 'fault' in read ? read.fault : null
}

/** Total: whatever goes wrong is a no, and so is more work than is left. */
export function constraintHolds(source: string, about: Constrained, work: Work = workOfAPass()): boolean {
  if (work.left < READING) return false
  work.left -= READING
  const read = readConstraint(source)
  if ('fault' in read) return false
  try {
    // In one order of members, whichever way the input came.
    const text = canonicalJson(about.input)
    const input = JSON.parse(text) as Json
    const rounds = read.loops ? longest(input, LIMITS.maxListElements) : 1
    const cost = read.nodes * rounds * Math.max(1, read.needle) * text.length
    if (cost > work.left) return false
    work.left -= cost
    const { action, target, estimated_cost } = about
    return read.evaluate({ action, target, input, estimated_cost: Number(estimated_cost) }) === true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

function readConstraint(source: string): Read {
  if (source.length > CONSTRAINT_CHARACTERS) return { fault: `longer than ${CONSTRAINT_CHARACTERS} characters` }
  try {
    const parsed = CEL.parse(source)
    const checked = parsed.check()
    if (!checked.valid) return { fault: firstLine(checked.error) }
    if (checked.type !== 'bool' && checked.type !== 'dyn') return { fault: `is ${checked.type}, and must be bool` }
    const seen: Seen = { nodes: 0, loops: false, needle: 0 }
    const fault = faultOf(parsed.ast as unknown as Node, false, seen)
    return fault === null ? { ...seen, evaluate: parsed as (context: Record<string, unknown>) => unknown } : { fault }
  } catch (error) {
    return { fault: firstLine(error) }
  }
}

/** The first thing in the expression that is not on the lists. */
function faultOf({ op, args }: Node, inLoop: boolean, seen: Seen): string | null {
  seen.nodes++
  const name = op === 'call' || op === 'rcall' ? String((args as unknown[])[0]) : null
  if (name !== null && !(op === 'call' ? FUNCTIONS : METHODS).includes(name))
    return `${name}() is not among the functions`
  if (name === null && !PLAIN.includes(op)) return `${op} is not among the operators`
  if (name !== null && SEARCHES.includes(name)) {
    const needle = needleOf(args)
    if (needle === null) return `${name}() takes a text of at most ${NEEDLE_CHARACTERS} characters that stands here`
    seen.needle = Math.max(seen.needle, needle)
  }
  const isLoop = name !== null && LOOPS.includes(name)
  if (isLoop && inLoop) return `${name}() stands inside another loop`
  seen.loops ||= isLoop
  const parts = Array.isArray(args) ? (args as unknown[]) : [args]
  for (const part of parts) {
    // What a loop runs over is looked at once; its arguments are looked at for each item.
    const inside = inLoop || (isLoop && Array.isArray(part))
    for (const node of nodesIn(part)) {
      const fault = faultOf(node, inside, seen)
      if (fault !== null) return fault
    }
  }
  return null
}

/** How long the one text is that a method is given, or null when that is not a short literal. */
function needleOf(args: unknown): number | null {
  const given = nodesIn(Array.isArray(args) ? args[2] : null)
  const [{ op, args: text } = { op: '', args: null }] = given
  if (given.length !== 1 || op !== 'value' || typeof text !== 'string' || text.length > NEEDLE_CHARACTERS) return null
  return text.length
}

function nodesIn(part: unknown): Node[] {
  if (Array.isArray(part)) return part.flatMap(nodesIn)
  return typeof part === 'object' && part !== null && 'op' in part && 'args' in part ? [part as Node] : []
}

/** The number of members of the largest collection, at least `least`. */
function longest(value: Json, least: number): number {
  if (typeof value !== 'object' || value === null) return least
  const members = Object.values(value)
  return members.reduce<number>((most, member) => Math.max(most, longest(member, 0)), Math.max(least, members.length))
}

function firstLine(error: unknown): string {
  return beginning((error instanceof Error ? error.message : 'cannot be read').split('\n')[0] ?? '', 200)
}
