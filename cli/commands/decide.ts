/** `exo approve` and `exo deny`: a decision, signed with one's own key when it is registered. */
import type { Command } from 'commander'
import { castVote } from '../casting.ts'
import { GROUPS } from '../help.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'

interface Options {
  reason?: string
  shown?: string
  yes?: boolean
}

export function addDecide(program: Command, run: Runner): void {
  for (const decision of ['approve', 'deny'] as const) {
    const command = program
      .command(decision)
      .helpGroup(GROUPS.approve)
      .argument('<id>', 'the operation')
      .option('--shown <hash>', 'only if what is shown still has this hash, or one that begins so (8 digits or more)')
    if (decision === 'approve')
      command
        .summary('say yes')
        .description('Approves an operation: prints what is shown, then votes on exactly that.')
        .option('--reason <text>', 'why')
        .option('--yes', 'do not ask again before an irreversible effect; due where there is no terminal to ask at')
    else
      command
        .summary('say no; one no ends it')
        .description('Denies an operation. One denial ends it.')
        .requiredOption('--reason <text>', 'why')
    command.action(
      run((session: Session, id: string, { reason, shown, yes }: Options) =>
        castVote(session, id, {
          decision,
          reason: reason ?? null,
          ...(shown === undefined ? {} : { shown }),
          ...(yes === undefined ? {} : { yes }),
        }),
      ),
    )
  }
}
