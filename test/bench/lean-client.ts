/** POSTs JSON over kept connections as leanly as Node can: whoever measures shares the cores with what is measured. */
import { Pool } from 'undici'

export interface LeanClient {
  /** The answer's body; throws when the status is another than 201. */
  post(path: string, body: unknown): Promise<unknown>
  close(): Promise<void>
}

export function leanClient(origin: string, headers: Record<string, string> = {}): LeanClient {
  const pool = new Pool(origin)
  const sent = { ...headers, 'content-type': 'application/json' }
  return {
    post: async (path, body) => {
      const answer = await pool.request({ path, method: 'POST', headers: sent, body: JSON.stringify(body) })
      const text = await answer.body.text()
      if (answer.statusCode !== 201) throw new Error(`${answer.statusCode} ${text.slice(0, 300)}`)
      return JSON.parse(text)
    },
    close: async () => await pool.close(),
  }
}
