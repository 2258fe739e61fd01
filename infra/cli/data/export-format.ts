import { createHash } from 'node:crypto'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import { addressSchema, senderSchema } from '../../../shared/contract/events/address.ts'
import { attachmentSummarySchema, languageSchema } from '../../../shared/contract/events/event-types.ts'
import { isObjectKey } from '../../../shared/objects/objects.ts'

/**
 * The version of the export format: one JSON object a line. docs/privacy.md describes it; change both together, with a
 * new version. Since version 2 messages may have attachments, and since version 3 messages and timers have addresses.
 * Lares reads older versions too.
 */
export const EXPORT_VERSION = 3

const person = z.string()
const time = z.string()

const lineSchema = z.discriminatedUnion('kind', [
  /** The first line. */
  z.strictObject({
    kind: z.literal('lares-export'),
    version: z.literal([1, 2, EXPORT_VERSION]),
    at: time,
    /** The person of the export; absent when it covers everybody. */
    person: person.optional(),
  }),
  z.strictObject({
    kind: z.literal('conversation'),
    id: z.string(),
    person,
    createdAt: time,
    state: z.unknown().optional(),
  }),
  /** Messages in their order; `place` counts them within their conversation, from 1 on. */
  z.strictObject({
    kind: z.literal('message'),
    place: z.int().positive(),
    conversation: z.string(),
    person,
    id: z.string(),
    role: z.enum(['user', 'assistant']),
    text: z.string(),
    inReplyTo: z.string().nullable(),
    createdAt: time,
    status: z.enum(['queued', 'answering', 'answered', 'completed', 'failed', 'interrupted']),
    attachments: z.array(attachmentSummarySchema()).optional(),
    address: addressSchema().optional(),
    sender: senderSchema().optional(),
  }),
  z.strictObject({
    kind: z.literal('document'),
    collection: z.string(),
    id: z.string(),
    person,
    text: z.string(),
    body: z.unknown(),
    createdAt: time,
  }),
  z.strictObject({
    kind: z.literal('timer'),
    id: z.string(),
    conversation: z.string(),
    person,
    text: z.string(),
    language: languageSchema(),
    dueAt: time,
    state: z.enum(['waiting', 'fired', 'cancelled']),
    address: addressSchema().optional(),
  }),
  /** `values` are 32-bit floating-point numbers, little-endian, in base64. The vector has length 1. */
  z.strictObject({
    kind: z.literal('vector'),
    model: z.strictObject({ id: z.string(), dimensions: z.int().positive() }),
    person,
    id: z.string(),
    values: z.base64(),
  }),
  /** Its bytes are in the lines that follow, or in `objects/KEY` beside the file. */
  z.strictObject({
    kind: z.literal('object'),
    key: z.string().refine(isObjectKey, 'an object key'),
    mediaType: z.string(),
    bytes: z.int().nonnegative(),
    sha256: z.string(),
  }),
  z.strictObject({ kind: z.literal('bytes'), data: z.base64() }),
  /** The last line: a file without it was cut off. */
  z.strictObject({ kind: z.literal('end'), lines: z.int().nonnegative(), digest: z.string() }),
])

export type ExportLine = z.infer<typeof lineSchema>
export type ExportLineOf<Kind extends ExportLine['kind']> = Extract<ExportLine, { kind: Kind }>

/** Errors: `invalid_request`, naming the line. */
export function parseLine(text: string, number: number): ExportLine {
  const refuse = (why: string): never => {
    throw new LaresError(
      'invalid_request',
      `line ${number} is not of an export of Lares (version ${EXPORT_VERSION}): ${why}`,
    )
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return refuse((error as Error).message)
  }
  const read = lineSchema.safeParse(json)
  return read.success ? read.data : refuse(z.prettifyError(read.error))
}

const DIGEST_MODULUS = 1n << 256n

/**
 * Computes one number for the content of an export, in any order of its lines: the sum of their SHA-256 checksums. Two
 * stores with the same digest hold the same content. The digest leaves out the first and the last line, and the bytes,
 * whose checksum is in their object's line.
 */
export function openDigest() {
  let sum = 0n
  let count = 0
  return {
    add(line: ExportLine) {
      if (line.kind === 'lares-export' || line.kind === 'end' || line.kind === 'bytes') return
      count++
      sum =
        (sum + BigInt(`0x${createHash('sha256').update(canonicalJson(line)).digest('hex')}`)) % DIGEST_MODULUS
    },
    end: (): ExportLineOf<'end'> => ({
      kind: 'end',
      lines: count,
      digest: sum.toString(16).padStart(64, '0'),
    }),
  }
}

/** JSON with sorted keys. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const pairs = Object.entries(value).filter(([, one]) => one !== undefined)
  const sorted = pairs.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, one]) => `${JSON.stringify(key)}:${canonicalJson(one)}`).join(',')}}`
}
