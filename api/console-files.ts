/**
 * The operators' pages, as a fixed table: what is not in it is not served, whatever lies beside it. They are files of
 * `console/`, read once by whoever composes the process; this layer opens no file.
 */

/** The page; the other files are its parts. */
export const CONSOLE_PAGE = '/console/keys'

export const CONSOLE_FILES = {
  [CONSOLE_PAGE]: { file: 'keys.html', type: 'text/html; charset=utf-8' },
  '/console/keys.css': { file: 'keys.css', type: 'text/css; charset=utf-8' },
  ...Object.fromEntries(
    ['keys', 'client', 'elements', 'canonical', 'key-store', 'key-list', 'ballot', 'vote-panel'].map((name) => [
      `/console/${name}.js`,
      { file: `${name}.js`, type: 'text/javascript; charset=utf-8' },
    ]),
  ),
} as Readonly<Record<string, { file: string; type: string }>>

/**
 * Nothing from elsewhere, nothing inline, no frame around it, no form that is sent, and no text that becomes markup: the
 * page holds a credential and a signing key.
 */
export const CONSOLE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
}
