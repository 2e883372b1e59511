/**
 * Named places in the path of an operation where tests stop the process dead, each with what is committed there. Outside
 * tests nothing happens at any of them.
 */
export const CRASH_POINTS = {
  A1: 'nothing: the request was admitted',
  A3: "the operation's row, its run not started",
  A4: 'row and run, nobody listening yet',
  A5: 'what the operation came to, nobody answered',
  A6: 'an event, somebody who follows told and the next one not',
  W1: 'nothing more: the facts of a pass were read, the run not told',
  W2: 'nothing more: the workflow code decided, the server not told',
  W3: 'the vote, which the run found sound and did not count',
  W4: 'that it waits for people, the run not told',
  W5: 'its end without an effect, the run not told',
  E1: 'nothing: before the guard',
  E2: 'nothing: inside the database the effect was made, outside the claim was not',
  E3: 'the claim of an effect outside, nothing sent; of several inputs none done',
  E4: 'the same, the request on its way and no answer back',
  E5: 'the same, answered and the outcome not written; of several inputs some done',
  E6: 'the same as before its end, which was signed and not committed',
  E7: 'effect, claim and receipt, nobody told',
  E8: 'the same, whoever waits told and the run not',
  S1: "the bundle's bytes, not the seal",
  S2: 'the seal too, the step not answered',
  U1: 'nothing: leaves were given their places, their tree no head',
  U2: 'nothing: the new head was signed',
  U3: 'places and head, not their copy in the object store',
  K1: 'the stop, nothing drained',
  K3: 'the stop and its drain, whoever stopped not answered',
  O1: 'nothing: a vote was signed',
  O2: 'the vote, its run told at the same time or not at all',
  Q1: 'nothing more: whoever came after looked at what became of it',
  Q2: 'the end of what a run left behind, nobody told',
} as const

export type CrashPoint = keyof typeof CRASH_POINTS
