/**
 * What every part needs to be started: the home, its state, and where to report.
 *
 * Guarantees: the pid of a process is in `stack.json` before the code that started it goes on, so that a later start
 * can end what a killed one left behind.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type PortName, type StackState, writeState } from './state.ts'
import { type ChildSpec, superviseChild, type SupervisedChild } from './supervised-child.ts'
import type { PartName, Program, Progress } from './types.ts'

export interface StackContext {
  home: string
  state: StackState
  ports: Record<PortName, number>
  progress: Progress
  signal?: AbortSignal | undefined
  /** Every child that was ever started, so that a failed start leaves none behind. */
  children: Map<PartName, SupervisedChild>
  changed(): void
}

export interface StartedPart {
  name: PartName
  address: string
  program: Program
  child: SupervisedChild
}

/** The directory of one part, closed to others. */
export function partDir(context: StackContext, ...names: string[]): string {
  const dir = join(context.home, ...names)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  return dir
}

export function childOf(context: StackContext, name: PartName, spec: Omit<ChildSpec, 'logFile'>): SupervisedChild {
  const logFile = join(partDir(context, 'logs'), `${name}.log`)
  const child = superviseChild({ ...spec, logFile }, context.progress, (identity) => {
    if (identity === null) delete context.state.running[name]
    else context.state.running[name] = identity
    writeState(context.home, context.state)
    context.changed()
  })
  context.children.set(name, child)
  return child
}
