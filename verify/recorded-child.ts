/** The process that replays recorded code: reads one request, answers one outcome, ends. */
import { readHistory } from './history.ts'
import { commandAsJson } from './recorded-code.ts'
import { Replayer } from './replayer.ts'
import { readJson, text, withMembers } from './shape.ts'

const request = withMembers<{ code: string; workflowId: string; history: string }>({
  code: text,
  workflowId: text,
  history: text,
})

let input = ''
for await (const chunk of process.stdin.setEncoding('utf8')) input += String(chunk)
const { code, workflowId, history } = request(readJson(input, 'the request'), 'the request')
const replayer = new Replayer(code)
const outcome = await replayer.replay(workflowId, readHistory(new TextEncoder().encode(history)).proto)
await replayer.close()
process.stdout.write(JSON.stringify(outcome, commandAsJson), () => process.exit(0))
