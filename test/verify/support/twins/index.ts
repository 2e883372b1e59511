/** All tampered twins. */
import { eventTwins } from './events.ts'
import { fileTwins } from './files.ts'
import { logTwins } from './log.ts'
import { outsideTwins } from './outside.ts'
import { payloadTwins } from './payloads.ts'
import { receiptTwins } from './receipts.ts'
import { voteTwins } from './votes.ts'

export const TWINS = [
  ...fileTwins,
  ...eventTwins,
  ...payloadTwins,
  ...receiptTwins,
  ...logTwins,
  ...voteTwins,
  ...outsideTwins,
]
