import { expect, test } from 'vitest'
import { maskedLine, openLog } from '../../bin/log.ts'

const SECRETS = ['anna@example.com', '4111111111111111', 'DE89370400440532013000', '+491701234567']

test('a log line holds no personal data, in its message, its fields or the errors it tells of', () => {
  const lines: string[] = []
  const log = openLog('info', { write: (line) => void lines.push(line) })
  for (const secret of SECRETS) {
    log.info(`said ${secret}`)
    log.error({ error: `for ${secret}`, deep: [{ [secret]: { note: secret } }], n: 1n }, `met ${secret}`)
    log.warn(new Error(`about ${secret}`))
    log.error({ err: new Error(`about ${secret}`), nothing: undefined }, 'with %s', secret)
  }
  expect(lines).toHaveLength(SECRETS.length * 4)
  for (const secret of SECRETS) expect(lines.join('')).not.toContain(secret)
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({
    level: 50,
    error: 'for [email]',
    deep: [{ '[email]': { note: '[email]' } }],
    n: '1',
    msg: 'met [email]',
  })
})

test('nor does a line that is written past the log', () => {
  expect(maskedLine('ERROR for anna@example.com', { cause: new Error('+491701234567') })).toBe(
    'ERROR for [email] {"cause":"Error: [phone]"}\n',
  )
})
