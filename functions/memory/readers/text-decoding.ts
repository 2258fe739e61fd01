import { UnreadableDocumentError } from './document.ts'

/**
 * The text of a file: UTF-8, UTF-16 with its mark, the encoding that it names itself (HTML), or GB18030, in which older
 * Chinese files are. Errors: `Unreadable`, for what is no text.
 */
export function decodeText(bytes: Uint8Array, declaredEncoding?: string): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return requireDecoded(bytes, 'utf-16le')
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return requireDecoded(bytes, 'utf-16be')
  if (bytes.subarray(0, 65_536).includes(0)) throw new UnreadableDocumentError('broken')
  const encodings = [...new Set(['utf-8', declaredEncoding, 'gb18030'])].filter(label => label !== undefined)
  for (const label of encodings) {
    const text = tryDecode(bytes, label)
    // Nearly any bytes are some GB18030; only those that give Chinese are taken for it.
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
    // Not in this encoding, or there is none of that name: the next one is tried.
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
