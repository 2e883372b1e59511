/**
 * What `npm start` says once everything answers: where things are, and what the switches say now. They are asked of the
 * API with the lab's own credentials; one that cannot be read is told as unknown, and nothing is guessed.
 */
import type { Deployment } from './deployment.ts'

type SwitchState = 'running' | 'stopped' | 'unknown'

interface Switches {
  platform: SwitchState
  tenants: { id: string; state: SwitchState }[]
}

const ASK_MS = 5_000

export async function bannerOf({ url, home, stack, credentials }: Deployment): Promise<string> {
  const { platform_operator, tenants } = credentials
  const switches = {
    platform: await stateOf(url, platform_operator, 'global'),
    tenants: await Promise.all(
      tenants.map(async ({ id, keys }) => ({ id, state: await stateOf(url, keys.viewer, 'tenant') })),
    ),
  }
  return `
ExoArmur answers at ${url} (documents at ${url}/docs)
Console            ${url}/console
Temporal UI        ${stack.addresses.temporal.ui}
Credentials        ${home}/credentials.json
${switchLines(switches)}
Stop with Ctrl-C.
`
}

/** Who has no row yet is stopped, as the gate sees it. */
function switchLines({ platform, tenants }: Switches): string {
  const told = [`platform ${platform}`, ...tenants.map(({ id, state }) => `${id} ${state}`)].join(', ')
  const closed = tenants.filter(({ state }) => state === 'stopped').map(({ id }) => id)
  const line = `Switches           ${told}`
  if (platform === 'stopped')
    return `${line}
Everything is stopped until people resume it. One asks, another approves:
  npx exo resume --global --reason "to begin" --as platform_operator
  npx exo inbox --as platform_operator2
The same for a tenant that is stopped, as owner and operator; README.md goes on from there.`
  if (closed[0] === undefined) return line
  return `${line}
A stopped tenant is resumed by its people. One asks, another approves:
  npx exo resume --reason "to begin" --as ${closed[0]}/owner
  npx exo inbox --as ${closed[0]}/operator
README.md goes on from there.`
}

async function stateOf(url: string, token: string | undefined, scope: 'global' | 'tenant'): Promise<SwitchState> {
  try {
    const answer = await fetch(`${url}/kill-switches`, {
      headers: {
        authorization: `Bearer ${token}`,
        'x-mode': 'lab',
        ...(scope === 'tenant' ? { 'x-project-id': 'p_main' } : {}),
      },
      signal: AbortSignal.timeout(ASK_MS),
    })
    return answer.ok ? stateIn(await answer.json(), scope) : 'unknown'
  } catch {
    // The deployment runs all the same; what its switches say is looked up with `exo switches`.
    return 'unknown'
  }
}

function stateIn(answer: unknown, scope: 'global' | 'tenant'): SwitchState {
  const { switches } = answer as { switches: { scope: string; selector: { kind: string }; state: string }[] }
  const all = switches.find((row) => row.scope === scope && row.selector.kind === 'all')
  return all?.state === 'running' ? 'running' : 'stopped'
}
