/**
 * PostgreSQL's text cannot hold NUL (https://www.postgresql.org/docs/current/datatype-character.html), but people's
 * messages may. So NUL is stored as U+0001 U+0030, and U+0001 itself as U+0001 U+0031. All other text stays unchanged.
 */
export const escapeNul = (text: string): string =>
  NUL_OR_ESCAPE.test(text) ? text.replaceAll('\u0001', '\u00011').replaceAll('\0', '\u00010') : text

export const unescapeNul = (text: string): string =>
  text.includes('\u0001') ? text.replaceAll('\u00010', '\0').replaceAll('\u00011', '\u0001') : text

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const NUL_OR_ESCAPE = /[\0\u0001]/
