/** All tampered twins. */
import { fileTwins } from './files.ts'
import { historyTwins } from './history.ts'
import { logTwins } from './log.ts'
import { receiptTwins } from './receipts.ts'

export const TWINS = [...fileTwins, ...historyTwins, ...receiptTwins, ...logTwins]
