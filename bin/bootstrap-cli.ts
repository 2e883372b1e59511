/**
 * The first rows of a deployment, once, with the database owner's credential: the schema, the deployment, two platform
 * operators. Their tokens are printed now and stored as hashes only, so nobody can print them again.
 */
import { bootstrap } from './bootstrap.ts'
import { readConfig } from './config.ts'
import { migrate } from './migrate.ts'

const json = process.argv.includes('--json')

function end(
  code: 'cli.usage' | 'cli.bootstrapped' | 'cli.unreachable',
  exit: number,
  message: string,
  remedy: string,
): never {
  const problem = {
    code,
    message,
    http_status: null,
    gate: null,
    action_name: null,
    resource_kind: null,
    details: {},
    request_id: null,
    trace_id: null,
  }
  if (json) process.stdout.write(`${JSON.stringify({ error: problem }, null, 2)}\n`)
  else process.stderr.write(`${message}\n  ${remedy}\n`)
  process.exit(exit)
}

const config = readConfig(process.env)
const ownerUrl = process.env.EXO_DATABASE_URL
if (!ownerUrl)
  end(
    'cli.usage',
    2,
    'EXO_DATABASE_URL is missing.',
    "It is the address of the database with its owner's name and password.",
  )
if (!config.EXO_DEPLOYMENT)
  end(
    'cli.usage',
    2,
    'EXO_DEPLOYMENT is missing.',
    'It names the deployment for ever: intents, keys and the log carry it.',
  )

const made = await migrateAndBootstrap(ownerUrl, config.EXO_DEPLOYMENT)
if (made === null)
  end(
    'cli.bootstrapped',
    1,
    'This deployment was bootstrapped before.',
    'Its tokens were printed then, and cannot be read again.',
  )
const tokens = { platform_operator: made.platform_operator, platform_operator2: made.platform_operator2 }
if (json)
  process.stdout.write(
    `${JSON.stringify({ deployment: config.EXO_DEPLOYMENT, mode: config.EXO_MODE, ...tokens }, null, 2)}\n`,
  )
else
  process.stdout.write(`${config.EXO_DEPLOYMENT} is made, in mode ${config.EXO_MODE}. Two platform operators, for two different people:

  platform_operator    ${tokens.platform_operator}
  platform_operator2   ${tokens.platform_operator2}

Keep them now: they are not stored and are never printed again. Everything is stopped until the one resumes it and the
other approves.
`)

async function migrateAndBootstrap(url: string, deployment: string) {
  try {
    await migrate(url, (line) => process.stderr.write(`${line}\n`))
    return await bootstrap({ ownerUrl: url, deployment, mode: config.EXO_MODE, lab: false })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // The address holds a password, and a driver's message may repeat it.
    const message = error.message.replaceAll(url, 'EXO_DATABASE_URL')
    return end(
      'cli.unreachable',
      4,
      `The database did not take it: ${message}`,
      'Nothing was made: check EXO_DATABASE_URL and try again.',
    )
  }
}
