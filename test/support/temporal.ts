/** Temporal as somebody with access to it could use it, past the API: a plain client with no converter of ours. */
import { Client, Connection } from '@temporalio/client'

export async function openTemporal(at: {
  address: string
  namespace: string
}): Promise<{ client: Client; close(): Promise<void> }> {
  const connection = await Connection.connect({ address: at.address })
  return { client: new Client({ connection, namespace: at.namespace }), close: () => connection.close() }
}
