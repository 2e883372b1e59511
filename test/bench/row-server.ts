/** The yardstick: a server that inserts one row per POST and does nothing else. */
import { createServer } from 'node:http'
import pg from 'pg'

export async function startRowServer(url: string): Promise<{ url: string; close: () => Promise<void> }> {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  pool.on('error', () => undefined)
  await pool.query('create table if not exists bench_rows (id bigint generated always as identity, body text not null)')
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      pool.query('insert into bench_rows (body) values ($1)', [body]).then(
        () => response.writeHead(201).end('{}'),
        () => response.writeHead(500).end('{}'),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await pool.query('drop table if exists bench_rows')
      await pool.end()
    },
  }
}
