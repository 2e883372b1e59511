/**
 * Tells the code of a TypeScript file from its comments and texts, without a parser. `maskSource` keeps every offset:
 * comments and the inside of strings and regular expressions become spaces, code inside template holes stays.
 *
 * Regular expressions are told from divisions by what precedes them. Text between JSX tags is taken for code, which at
 * worst blanks the rest of such a line.
 */

/** After one of these a slash begins a regular expression. */
const BEFORE_REGEX =
  /(?:^|[([{,;:=!&|?+\-*%<>~^}]|=>|\b(?:return|typeof|case|in|of|void|delete|throw|new|else|do|yield|await))$/

export interface MaskedSource {
  code: string
  /** The comments, each from its opening slash. */
  comments: string[]
}

export function maskSource(text: string): MaskedSource {
  const mask = new Mask(text)
  mask.code(0, false)
  return { code: mask.out.join(''), comments: mask.comments }
}

class Mask {
  readonly out: string[]
  readonly comments: string[] = []
  readonly text: string
  /** The last code, without space, as far as telling a regular expression needs. */
  private recent = ''

  constructor(text: string) {
    this.text = text
    this.out = text.split('')
  }

  /** Walks code from an offset; in a template hole it stops after the closing brace. Returns where it stopped. */
  code(start: number, inHole: boolean): number {
    let depth = 0
    let at = start
    while (at < this.text.length) {
      const char = this.text.charAt(at)
      if (inHole && char === '}' && depth === 0) return at + 1
      const end = this.skip(char, at)
      if (end !== at) {
        at = end
        continue
      }
      if (char === '{') depth++
      if (char === '}') depth--
      if (char.trim() === '' && /\w$/.test(this.recent)) this.recent += ' '
      else if (char.trim() !== '') this.recent = (this.recent.trimEnd() === '' ? char : this.glued(char)).slice(-12)
      at++
    }
    return at
  }

  /** A space in `recent` only matters between two words. */
  private glued(char: string): string {
    return this.recent.endsWith(' ') && !/\w/.test(char) ? this.recent.trimEnd() + char : this.recent + char
  }

  /** The end of a comment, string, template or regular expression that begins here, or `at` when none does. */
  private skip(char: string, at: number): number {
    const two = this.text.slice(at, at + 2)
    if (two === '//') return this.comment(at, this.endOf('\n', at, 0))
    if (two === '/*') return this.comment(at, this.endOf('*/', at + 2, 2))
    if (char === '"' || char === "'") return this.string(at, char)
    if (char === '`') return this.template(at + 1)
    if (char === '/' && BEFORE_REGEX.test(this.recent.trimEnd())) return this.regex(at)
    return at
  }

  private endOf(mark: string, from: number, length: number): number {
    const found = this.text.indexOf(mark, from)
    return found < 0 ? this.text.length : found + length
  }

  private blank(from: number, to: number): void {
    for (let at = from; at < to; at++) if (this.text[at] !== '\n') this.out[at] = ' '
  }

  private comment(from: number, to: number): number {
    this.comments.push(this.text.slice(from, to))
    this.blank(from, to)
    return to
  }

  /** A quote that the line does not close is no string: an apostrophe in JSX text, say. */
  private string(at: number, quote: string): number {
    for (let end = at + 1; end < this.text.length && this.text[end] !== '\n'; end++) {
      if (this.text[end] === '\\') end++
      else if (this.text[end] === quote) {
        this.blank(at + 1, end)
        this.recent = quote
        return end + 1
      }
    }
    return at
  }

  private template(from: number): number {
    let at = from
    while (at < this.text.length) {
      const char = this.text[at]
      if (char === '`') break
      if (char === '$' && this.text[at + 1] === '{') {
        this.recent = '{'
        at = this.code(at + 2, true)
        continue
      }
      const width = char === '\\' ? 2 : 1
      this.blank(at, at + width)
      at += width
    }
    this.recent = '`'
    return at + 1
  }

  private regex(at: number): number {
    let inClass = false
    for (let end = at + 1; end < this.text.length && this.text[end] !== '\n'; end++) {
      const char = this.text[end]
      if (char === '\\') end++
      else if (char === '[') inClass = true
      else if (char === ']') inClass = false
      else if (char === '/' && !inClass) {
        this.blank(at + 1, end)
        this.recent = 'x'
        return end + 1
      }
    }
    return at
  }
}
