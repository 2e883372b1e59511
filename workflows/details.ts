/** What the Temporal UI shows of a waiting operation, in Markdown. Text from outside is escaped: it is an injection surface. */
import type { OperationInput, PassOutput } from '../domain/steps.ts'
import { beginning } from '../domain/text.ts'

export function pendingDetails(input: OperationInput, shown: PassOutput, expiresAt: string): string {
  const { intent, plan } = input
  const rows = (shown.preview?.fields ?? []).map(({ label, value }) => `| ${plain(label)} | ${plain(value)} |`)
  return [
    `## Waiting for ${plan.approval.quorum} approval(s) until ${expiresAt}`,
    plain(shown.preview?.title ?? intent.action),
    '',
    '| what | value |',
    '|---|---|',
    ...rows,
    `| asked by | ${plain([intent.principal_id, ...(intent.on_behalf_of ?? [])].join(' for '))} |`,
    `| class | ${plan.class} |`,
    `| intent hash | ${input.intent_hash} |`,
    `| shown hash | ${shown.shown_hash ?? ''} |`,
    '',
    'Sign with your own key and send what it prints, here as signal `decide` or in a terminal:',
    '',
    '```',
    `exo vote ${input.operation_id} --decision approve --print`,
    '```',
  ].join('\n')
}

/** One line of text with everything Markdown or HTML would read as markup made harmless, cut with its length said. */
function plain(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}]/gu, (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
  const cut = line.length > 400 ? `${beginning(line, 400)}… (${line.length} characters)` : line
  return cut.replace(/[\\`*_{}[\]<>()#+\-!|~&]/g, (c) => `&#${c.charCodeAt(0)};`)
}
