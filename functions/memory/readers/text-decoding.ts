import { UnreadableDocumentError } from './document.ts'

/**
 * Decodes a file: UTF-8, UTF-16 with a byte order mark, the encoding that it declares (HTML), or GB18030, the encoding
 * of older Chinese files. Errors: `UnreadableDocumentError` when the bytes are not a text.
 */
export function decodeText(bytes: Uint8Array, declaredEncoding?: string): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return requireDecoded(bytes, 'utf-16le')
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return requireDecoded(bytes, 'utf-16be')
  if (bytes.subarray(0, 65_536).includes(0)) throw new UnreadableDocumentError('broken')
  const encodings = [...new Set(['utf-8', declaredEncoding, 'gb18030'])].filter(label => label !== undefined)
  for (const label of encodings) {
    const text = tryDecode(bytes, label)
    // GB18030 decodes nearly any bytes, so only a result in Chinese counts.
    if (text !== undefined && (label !== 'gb18030' || isMostlyChinese(text))) return text
  }
  throw new UnreadableDocumentError('broken')
}

function requireDecoded(bytes: Uint8Array, label: string): string {
  const text = tryDecode(bytes, label)
  if (text === undefined) throw new UnreadableDocumentError('broken')
  return text
}

function tryDecode(bytes: Uint8Array, label: string): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes)
  } catch {
    // The bytes are not in this encoding, or the encoding does not exist. The next one is tried.
    return undefined
  }
}

function isMostlyChinese(text: string): boolean {
  const others = text.match(/[^\p{ASCII}]/gu) ?? []
  const known = others.filter(character =>
    /[\p{Script=Han}，。；：？！、“”‘’（）《》【】—…　]/u.test(character),
  )
  return known.length > 0.9 * others.length
}
