/** Project Wycheproof's vectors for JSON Web Signatures, as they were published (THIRD_PARTY.md). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JWK } from 'jose'

interface Group {
  comment: string
  public?: JWK
  private: JWK
  tests: Vector[]
}
interface Vector {
  tcId: number
  comment: string
  jws: unknown
  result: 'valid' | 'invalid'
}

export function readVectors(): { group: Group; each: Vector }[] {
  const file = join(import.meta.dirname, '..', 'stores', 'oidc', 'wycheproof-jws.json')
  const { testGroups } = JSON.parse(readFileSync(file, 'utf8')) as { testGroups: Group[] }
  return testGroups.flatMap((group) => group.tests.map((each) => ({ group, each })))
}

export const jwsOf = ({ jws }: Vector): string => (typeof jws === 'string' ? jws : JSON.stringify(jws))
