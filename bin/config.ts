/**
 * Settings as values: the rows of bin/settings.ts that every process reads, checked. Modes other than lab refuse to start
 * until everything durable is configured, and name all that is missing at once.
 */
import { z } from 'zod'
import { settingRows, type SETTINGS, unknownSettings } from './settings.ts'
import { NotUsable } from './stack/types.ts'

type Parsed = {
  [Name in keyof typeof SETTINGS as (typeof SETTINGS)[Name] extends { parse: z.ZodType }
    ? Name
    : never]: (typeof SETTINGS)[Name] extends { parse: infer Schema extends z.ZodType } ? z.output<Schema> : never
}
export type Config = Parsed

const parsers = settingRows.flatMap(([name, { parse }]) => (parse === undefined ? [] : [[name, parse] as const]))
const schema = z.object(Object.fromEntries(parsers))

/** Every setting that the checkout's own processes read. Throws with everything that is wrong. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const known = Object.fromEntries(parsers.map(([name]) => [name, env[name] === '' ? undefined : env[name]]))
  const parsed = schema.safeParse(known)
  const lines = [
    ...(parsed.error?.issues ?? []).map((issue) => `  ${issue.path.join('.')}: ${issue.message}`),
    ...unknownSettings(env).map(
      ({ name, meant }) => `  ${name}: is no setting${meant === null ? '' : `; is ${meant} meant?`}`,
    ),
  ]
  if (parsed.success && lines.length === 0) return parsed.data as Config
  throw new NotUsable(`the configuration is not valid:\n${lines.join('\n')}`)
}

/** What a mode other than lab still lacks, by name. */
export function missingForMode(config: Config, env: NodeJS.ProcessEnv): string[] {
  if (config.EXO_MODE === 'lab') return []
  return settingRows.filter(([name, { durable }]) => durable === true && !env[name]).map(([name]) => name)
}
