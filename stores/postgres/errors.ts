/** Tells a database that does not answer from a statement that was wrong. */
const CONNECTION_CLASSES = ['08', '53', '57', '58']
const NETWORK_CODES = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH']

/** A transaction that ended by itself, and a server that only reads: the one before the other took over. */
const TRANSACTION_CODES = ['25006', '25P03', '25P04']

/** True when PostgreSQL is away, restarting, out of connections, only reads, or cut a statement off. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return (
    CONNECTION_CLASSES.includes(code.slice(0, 2)) ||
    TRANSACTION_CODES.includes(code) ||
    NETWORK_CODES.includes(code) ||
    /Connection terminated|read timeout|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable/i.test(
      error.message,
    )
  )
}
