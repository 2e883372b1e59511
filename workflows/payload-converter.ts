/**
 * Payloads are JCS, one byte string per value, so that what replay produces can be compared byte for byte with what
 * history holds. A payload nobody here wrote (a signal with foreign bytes) reads as `undefined` and never throws: a
 * throw while a signal is decoded would park the run for ever.
 */
import type { Payload, PayloadConverter } from '@temporalio/common'
import { decode, encode } from '@temporalio/common/lib/encoding.js'
import { canonicalJson } from '../domain/canonical.ts'

const ENCODING = 'json/plain'

export const payloadConverter: PayloadConverter = {
  toPayload(value: unknown): Payload {
    return {
      metadata: { encoding: encode(ENCODING) },
      data: encode(canonicalJson(value === undefined ? null : value)),
    }
  },
  fromPayload<T>(payload: Payload): T {
    try {
      if (payload.metadata?.encoding == null || payload.data == null) return undefined as T
      if (decode(payload.metadata.encoding) !== ENCODING) return undefined as T
      return JSON.parse(decode(payload.data)) as T
    } catch (error) {
      if (error instanceof Error) return undefined as T
      throw error
    }
  },
}
