/**
 * Every attack that is claimed to fail, and where that is proven: a file and the names of its tests, as the reporter
 * writes them. A name stands for all tests that begin with it; `atLeast` says how many those are.
 */
export interface Proof {
  file: string
  tests: string
  atLeast?: number
}

export interface Attack {
  attack: string
  proofs: readonly Proof[]
}

const IDENTITY = 'test/security/identity.test.ts'
const TOKENS = 'test/api/access-tokens.test.ts'
const EVERY_ROUTE = 'test/security/tokens.test.ts'
const REFUSALS = 'test/api/refusals.test.ts'
const PAST_THE_API = 'test/e2e/past-the-api.test.ts'
const USAGE = 'test/e2e/usage-and-privacy.test.ts'

export const ATTACKS: readonly Attack[] = [
  {
    attack: 'Wycheproof JWS vectors',
    proofs: [
      { file: 'test/stores/oidc/compact-jws.test.ts', tests: 'the vectors of Wycheproof', atLeast: 402 },
      { file: EVERY_ROUTE, tests: 'a vector of Wycheproof as a bearer token', atLeast: 401 },
    ],
  },
  {
    attack: 'bad tokens of ours, on three routes',
    proofs: [{ file: TOKENS, tests: 'refused alike on every route', atLeast: 122 }],
  },
  {
    attack: 'bad credentials on every authenticated route',
    proofs: [{ file: EVERY_ROUTE, tests: 'every authenticated route, as the router lists them', atLeast: 14 }],
  },
  {
    attack: 'self-grant',
    proofs: [
      { file: REFUSALS, tests: 'state 403 firearms.self_grant: a licence to oneself' },
      { file: 'test/e2e/grant-issuers.test.ts', tests: 'whoever issued a grant', atLeast: 5 },
    ],
  },
  {
    attack: 'self-approve',
    proofs: [
      {
        file: 'test/e2e/lifecycle.test.ts',
        tests: 'people decide nobody approves what they, or their agent, asked for',
      },
      { file: TOKENS, tests: 'an access token is the same person as the API key' },
      {
        file: 'test/e2e/locks.test.ts',
        tests: 'a strategy lock is not approved or rejected by its author, nor by the person whose agent that is',
      },
    ],
  },
  { attack: 'role in a header', proofs: [{ file: IDENTITY, tests: 'a role in', atLeast: 16 }] },
  {
    attack: 'body override',
    proofs: [
      { file: REFUSALS, tests: 'state 403 auth.identity_override: a body that names another tenant' },
      { file: 'test/e2e/tenants.test.ts', tests: 'another tenant cannot be chosen by a header, nor named in a body' },
    ],
  },
  { attack: 'two-tenant token', proofs: [{ file: IDENTITY, tests: 'a member of two tenants', atLeast: 3 }] },
  {
    attack: 'revoked after issue',
    proofs: [
      { file: TOKENS, tests: 'a principal that was revoked is refused by the next request' },
      { file: 'test/e2e/members.test.ts', tests: 'a membership ends at once by one person' },
      { file: 'test/e2e/api-keys.test.ts', tests: 'a key is revoked at once by one person' },
    ],
  },
  {
    attack: 'expired one second ago',
    proofs: [
      { file: TOKENS, tests: 'refused alike on every route an end a second beyond the skew' },
      {
        file: EVERY_ROUTE,
        tests: 'every authenticated route, as the router lists them refuses a token that expired one second ago',
      },
      { file: 'test/e2e/api-keys.test.ts', tests: 'a key ends when it expires' },
    ],
  },
  {
    attack: 'surface switched to escape a binding',
    proofs: [{ file: IDENTITY, tests: 'another surface', atLeast: 5 }],
  },
  {
    attack: 'negative cost',
    proofs: [
      { file: IDENTITY, tests: 'a cost of', atLeast: 11 },
      { file: USAGE, tests: 'usage of', atLeast: 16 },
    ],
  },
  {
    attack: 'stale measurement',
    proofs: [
      { file: IDENTITY, tests: 'a measurement that is too old' },
      {
        file: 'test/e2e/gates.test.ts',
        tests: 'each gate blocks with its own code and tells why kpi.measurement_missing',
      },
    ],
  },
  {
    attack: '"I do not approve"',
    proofs: [
      {
        file: 'test/e2e/locks.test.ts',
        tests: 'a three-wise question takes one opinion of a reviewer, none of the asker’s person, and no other words',
      },
    ],
  },
  {
    attack: 'widened lock',
    proofs: [
      {
        file: 'test/e2e/locks.test.ts',
        tests: 'a strategy lock is a draft again when anything it says changes, and then covers nothing',
      },
    ],
  },
  {
    attack: 'racing last licence use',
    proofs: [
      { file: 'test/e2e/lifecycle.test.ts', tests: 'a standing grant is not overspent by twelve operations at once' },
      { file: 'test/e2e/budget-race.test.ts', tests: 'of 64 operations that race' },
    ],
  },
  {
    attack: 'forged vote by raw signal',
    proofs: [
      {
        file: 'test/e2e/votes.test.ts',
        tests: 'votes that carry a signature of their own forged by a raw signal they change nothing',
      },
      { file: 'test/e2e/votes.test.ts', tests: 'votes that carry a signature of their own a flood of signals' },
    ],
  },
  {
    attack: 'start of our workflow type past the API',
    proofs: [
      { file: PAST_THE_API, tests: 'past the API a run of our type with', atLeast: 5 },
      { file: PAST_THE_API, tests: 'past the API a forged operation that agrees with itself has no row' },
      { file: PAST_THE_API, tests: 'past the API a second run of an ended operation' },
    ],
  },
  {
    attack: 'temporal activity complete with a forged result',
    proofs: [{ file: PAST_THE_API, tests: 'past the API terminated and forged runs end failed' }],
  },
  {
    attack: 'rogue worker on the queue',
    proofs: [{ file: 'test/security/rogue-worker.test.ts', tests: 'a rogue worker on the queue', atLeast: 4 }],
  },
]
