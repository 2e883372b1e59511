/** Every bound in one place. Sizes are bytes unless the name says otherwise. */
export const LIMITS = Object.freeze({
  bodyBytes: 256 * 1024,
  inputBytes: 64 * 1024,
  /** Of a request's body; what it is written into later may nest it a few levels deeper, and JSON ends at 64. */
  bodyDepth: 48,
  configValues: 500,
  configDepth: 16,
  previewBytes: 32 * 1024,
  reasonCharacters: 500,
  /** Inputs of one operation. */
  batchItems: 500,
  approvalExpiresSeconds: { default: 3600, max: 86_400 },
  quorumMax: 5,
  /** How long a three-wise question and its verdict are good for. */
  questionSeconds: { default: 86_400, max: 604_800 },
  waitSeconds: { default: 10, max: 60 },
  listItems: { default: 50, max: 200 },
  refusedVotesKept: 50,
  /** Of one section of the control document. */
  controlRows: 500,
  /** How far from its proposal a waiver may end: a year, whichever year. */
  waiverDays: 366,
  effectTimeoutMs: 4_000,
  leaseMs: 5_000,
  /** An upload is read whole when it is registered. */
  rawBytes: 32 * 1024 * 1024,
  uploadTicketSeconds: 900,
  /** What was uploaded and never registered stays this long after its ticket. */
  uploadKeptSeconds: 86_400,
  addressFailuresPerMinute: 600,
  credentialFailuresPerMinute: 300,
  guessesPerMinute: 20,
  keyOverlapSeconds: 86_400,
  streamTicketSeconds: 30,
  tokenBytes: 8 * 1024,
  claimCharacters: 255,
  /** How many may act for the subject of one token. */
  delegationActors: 4,
  keySetBytes: 256 * 1024,
})

/** What holds for a class of calls that no tenant's row limits; function `take_call` of the admission spells it once more. */
export const USUAL_RATE = Object.freeze({ limit: 600, window_seconds: 60 })
