/** URLs as the WHATWG standard reads them, the same in every runtime; typed here since pure code has no ambient types. */
export interface Url {
  readonly href: string
  readonly origin: string
  readonly protocol: string
  readonly hostname: string
  /** With the port, where it is not the usual one. */
  readonly host: string
  readonly username: string
  readonly password: string
  readonly hash: string
}

const { URL } = globalThis as unknown as { URL: (new (text: string) => Url) & { canParse(text: string): boolean } }

/** An absolute URL, or null. */
export function parseUrl(text: string): Url | null {
  return URL.canParse(text) ? new URL(text) : null
}
