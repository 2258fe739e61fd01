import { isUtf8 } from 'node:buffer'
import { fileTypeFromBuffer } from 'file-type'

/** The number of leading bytes that detection needs (https://github.com/sindresorhus/file-type). */
export const HEAD_BYTES = 4_100

const TEXT_TYPE = /^text\/|^application\/(json|xml|javascript|x-ndjson|yaml|x-yaml|toml)$|\+(json|xml)$/
/** Names that people and systems use for the same type. */
const TYPE_ALIASES: Record<string, string> = {
  'image/jpg': 'image/jpeg',
  'audio/mp3': 'audio/mpeg',
  'audio/x-wav': 'audio/wav',
  'audio/vnd.wave': 'audio/wav',
  'audio/wave': 'audio/wav',
  'audio/x-m4a': 'audio/mp4',
  'application/x-zip-compressed': 'application/zip',
  'text/xml': 'application/xml',
}
const UNKNOWN_TYPE = 'application/octet-stream'

const normalizeMediaType = (mediaType: string): string => {
  const name = mediaType.split(';')[0]!.trim().toLowerCase()
  return TYPE_ALIASES[name] ?? name
}

/** The type of content with these leading bytes; undefined if nothing shows it, as with text. */
async function detectMediaType(head: Buffer): Promise<string | undefined> {
  const found = await fileTypeFromBuffer(head)
  return found && normalizeMediaType(found.mime)
}

/**
 * Whether content with these leading bytes can be of the declared type. A type with a signature must show it. Text must
 * be UTF-8 without NUL. Content with the signature of one type is of no other type.
 */
export async function matchesMediaType(head: Buffer, declared: string): Promise<boolean> {
  const name = normalizeMediaType(declared)
  if (name === UNKNOWN_TYPE || head.length === 0) return true
  const found = await detectMediaType(head)
  if (TEXT_TYPE.test(name)) return (found === undefined || TEXT_TYPE.test(found)) && isText(head)
  return found === undefined ? !TYPE_WITH_SIGNATURE.test(name) : found === name || isContainerOf(found, name)
}

/** Types whose content always has a signature. */
const TYPE_WITH_SIGNATURE =
  /^image\/(png|jpeg|gif|webp|avif|heic|bmp|tiff)$|^application\/(pdf|zip|gzip)$|^audio\/(mpeg|wav|ogg|flac|aac|mp4)$|^video\/(mp4|webm|quicktime)$|^application\/vnd\.openxmlformats/

/**
 * Office documents are zip files, and their leading bytes may show no more. Ogg, MP4 and WebM carry sound or pictures.
 */
const isContainerOf = (found: string, declared: string): boolean =>
  (found === 'application/zip' && /officedocument|opendocument|epub/.test(declared)) ||
  (found.split('/')[1] === declared.split('/')[1] &&
    /^(audio|video)\//.test(found) &&
    /^(audio|video)\//.test(declared)) ||
  (found === 'application/x-cfb' && /msword|ms-excel|ms-powerpoint/.test(declared))

/** A head that is only part of the content may end within a character. */
function isText(head: Buffer): boolean {
  const cuts = head.length < HEAD_BYTES ? [0] : [0, 1, 2, 3]
  return !head.includes(0) && cuts.some(cut => isUtf8(head.subarray(0, head.length - cut)))
}
