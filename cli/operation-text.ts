/** One operation in a few lines: what it would do, where it stands, and the command to type next. */
import type { Operation } from './operation.ts'
import { fieldLines, instantFrom, visible } from './render.ts'
import type { Session } from './session.ts'
import type { Paint, Style } from './terminal.ts'
import type { ApprovalTree } from '../domain/approval.ts'
import type { Json } from '../domain/canonical.ts'
import { isFinal, type Status } from '../domain/lifecycle.ts'

const STATUS_STYLE: Readonly<Record<Status, Style>> = Object.freeze({
  evaluating: 'cyan',
  pending_approval: 'yellow',
  executing: 'cyan',
  executed: 'green',
  proposed: 'green',
  blocked: 'red',
  denied: 'red',
  expired: 'red',
  cancelled: 'yellow',
  failed: 'red',
  unknown: 'red',
})

export function statusWord(paint: Paint, status: Status): string {
  return paint(STATUS_STYLE[status] ?? 'bold', status.replace('_', ' '))
}

export function title(operation: Operation): string {
  return visible(operation.preview?.title ?? `${operation.action} (no preview yet)`)
}

/** Who asks, and in whose name. */
export function askedBy({ requested_by: { principal_id, kind, on_behalf_of = [] } }: Operation): string {
  return [`${visible(principal_id)} (${kind})`, ...on_behalf_of.map(visible)].join(' for ')
}

/** Who must still say yes, in words. */
export function treeWords(tree: ApprovalTree): string {
  if ('permission' in tree)
    return tree.role === undefined
      ? 'somebody who may decide'
      : tree.role === 'platform'
        ? 'another platform operator'
        : `an ${tree.role}`
  if ('all' in tree) return tree.all.map(treeWords).join(' and ')
  if ('ordered' in tree) return tree.ordered.map(treeWords).join(', then ')
  const children = 'any' in tree ? tree.any : tree.of
  const n = 'any' in tree ? 1 : tree.n
  const words = [...new Set(children.map(treeWords))]
  if (words.length > 1) return `${n} of (${words.join('; ')})`
  return words[0] === 'somebody who may decide'
    ? `${n} different people who may decide`
    : `${n} times ${words[0] ?? 'nobody'}`
}

/** The people whom seats of a role take, in words. */
function roleWords(tree: ApprovalTree): string[] {
  if ('permission' in tree) return tree.role === undefined ? [] : [treeWords(tree)]
  const children = 'all' in tree ? tree.all : 'ordered' in tree ? tree.ordered : 'any' in tree ? tree.any : tree.of
  return [...new Set(children.flatMap(roleWords))]
}

/**
 * `2 approvals (1 given) of 2 different people who may decide, not the requester, until …`. Where enough people said yes
 * and it still waits, what is missing is the role of one of them.
 */
export function approvalWords({ approval }: Operation, nowMs: number): string {
  const { quorum, votes, tree, assurance, expires_at } = approval
  const given = votes.filter((vote) => vote.counted && vote.decision === 'approve').length
  const roles = given < quorum ? [] : roleWords(tree)
  const left = roles.length === 0 ? '' : `; the seat that is left takes ${roles.join(' or ')}`
  const told = quorum === 1 && given === 0 ? '' : ` (${given} given${left})`
  const count = `${quorum} approval${quorum === 1 ? '' : 's'}${told}`
  const signed = assurance === 'self_signed' ? ', signed with their own key' : ''
  const until = expires_at === null ? '' : `, until ${instantFrom(expires_at, nowMs)}`
  return `${count} of ${treeWords(tree)}, not the requester${signed}${until}`
}

interface PreviewOptions {
  paint: Paint
  foldAt?: number
  indent?: string
}

/** The preview document, and nothing but it: what a vote is over. */
export function previewLines(operation: Operation, { paint, foldAt, indent = '  ' }: PreviewOptions): string[] {
  return fieldLines(operation.preview?.fields ?? [], {
    indent,
    paintLabel: (label) => paint('dim', label),
    whole: `exo show ${operation.id}`,
    ...(foldAt === undefined ? {} : { foldAt }),
  })
}

/** JSON on one line, safe to print. */
export function jsonWords(value: Json): string {
  return typeof value === 'string' ? visible(value) : visible(JSON.stringify(value))
}

/** What a proposal came to: the answer of every command that opens an operation. */
export function outcomeText(session: Session, operation: Operation): string {
  const { terminal, api, asOption } = session
  const { paint } = terminal
  const { id, status, effect, error } = operation
  const lines = [
    `${statusWord(paint, status)}  ${paint('bold', title(operation))}`,
    ...previewLines(operation, { paint }),
  ]
  const next: { label: string; value: string }[] = [{ label: 'operation', value: id }]
  if (effect !== null && effect.result !== null) next.push({ label: 'result', value: jsonWords(effect.result) })
  if (error !== null) next.push({ label: 'because', value: `${error.code}: ${error.message}` })
  if (status === 'pending_approval') next.push({ label: 'needs', value: approvalWords(operation, api.nowMs()) })
  next.push(...nextCommands(operation, asOption, asOption === '' ? '' : ' --as WHO'))
  return [...lines, '', ...fieldLines(next, { paintLabel: (label) => paint('dim', label) })].join('\n')
}

function nextCommands(
  { id, status, run, class: actionClass }: Operation,
  as: string,
  asOther: string,
): { label: string; value: string }[] {
  if (status === 'pending_approval')
    return [
      { label: 'approve', value: `exo approve ${id}${asOther}` },
      { label: 'follow', value: `exo show ${id} --wait 600${as}` },
    ]
  if (!isFinal(status)) return [{ label: 'follow', value: `exo show ${id} --wait 60${as}` }]
  if (status === 'executed' && run === 'execute' && actionClass === 'reversible')
    return [
      { label: 'undo', value: `exo undo ${id} --reason WHY${as}` },
      { label: 'prove', value: `exo bundle ${id}${asOther}` },
    ]
  if (status === 'unknown')
    return [
      { label: 'details', value: `exo show ${id}${as}` },
      { label: 'resolve', value: resolveCommand(id, asOther) },
    ]
  return [{ label: 'details', value: `exo show ${id}${as}` }]
}

export function resolveCommand(id: string, as: string): string {
  return `exo resolve ${id} --outcome committed|not_committed --evidence JSON --reason WHY${as}`
}
