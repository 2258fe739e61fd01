import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import { newerDataError } from '../../../shared/base/version.ts'
import { isObjectKey } from '../../../shared/objects/objects.ts'
import { logPositionSchema, logRecordSchema } from '../../../shared/operations/log-copy.ts'
import { type ExportLineOf, parseLine } from '../data/export-format.ts'

/** The version of the backup format. docs/upgrades.md describes the format; each change gets a new number. */
export const BACKUP_FORMAT = 1

/** The first line of the file, in plain text: the data that opens the rest. */
export const backupHeaderSchema = z.strictObject({
  kind: z.literal('lares-backup'),
  format: z.literal(BACKUP_FORMAT),
  /** The version of Lares that wrote the backup. */
  lares: z.string(),
  at: z.string(),
  /** Random, in base64. It names the backup, and the backup's key is derived with it. */
  salt: z.base64(),
  /** The id of the master key that opens the backup; null: the instance encrypts nothing. */
  master: z.string().nullable(),
})
export type BackupHeader = z.infer<typeof backupHeaderSchema>

/** The lines that an export does not have. */
const backupLineSchema = z.discriminatedUnion('kind', [
  logPositionSchema.extend({ kind: z.literal('position') }),
  z.strictObject({
    kind: z.literal('journal'),
    eventId: z.string(),
    conversation: z.string(),
    outcome: z.string(),
    atMs: z.number(),
  }),
  z.strictObject({
    kind: z.literal('audit'),
    sequence: z.int().positive(),
    id: z.string(),
    text: z.string(),
    hash: z.string(),
  }),
  logRecordSchema.extend({ kind: z.literal('record') }),
  /** The lines that follow contain its bytes. */
  z.strictObject({
    kind: z.literal('object'),
    key: z.string().refine(isObjectKey, 'an object key'),
    mediaType: z.string(),
    bytes: z.int().nonnegative(),
    sha256: z.string(),
  }),
  z.strictObject({ kind: z.literal('bytes'), data: z.base64() }),
  /** A person's key, wrapped by a master key. */
  z.strictObject({
    kind: z.literal('key'),
    person: z.string(),
    id: z.string(),
    master: z.string(),
    wrapped: z.string(),
    createdAt: z.string(),
  }),
  z.strictObject({ kind: z.literal('anchor'), name: z.string(), sequence: z.number(), hash: z.string() }),
  /** The last line: the number of lines before it, and their SHA-256. */
  z.strictObject({ kind: z.literal('end'), lines: z.int().nonnegative(), sha256: z.string() }),
])

const EXPORT_KINDS = ['conversation', 'message', 'document', 'timer', 'vector'] as const
type ExportKind = (typeof EXPORT_KINDS)[number]

/** A line of a backup, as a JSON object. Content stays as stored: encrypted with the keys of people. */
export type BackupLine = z.infer<typeof backupLineSchema> | ExportLineOf<ExportKind>
export type BackupLineOf<Kind extends BackupLine['kind']> = Extract<BackupLine, { kind: Kind }>

/** Errors: `invalid_request`; `invalid_config` for a backup of a newer Lares. */
export function parseHeader(text: string, file: string): BackupHeader {
  const json = tryParse(text)
  const { data } = backupHeaderSchema.safeParse(json)
  if (data) return data
  const newer = z
    .object({ kind: z.literal('lares-backup'), format: z.number(), lares: z.string() })
    .safeParse(json)
  if (newer.success && newer.data.format > BACKUP_FORMAT)
    throw newerDataError({
      what: `the backup ${file}`,
      found: newer.data.format,
      known: BACKUP_FORMAT,
      writer: newer.data.lares,
    })
  throw new LaresError(
    'invalid_request',
    `${file} is no backup of Lares: name a file that "lares backup" wrote`,
  )
}

/** Errors: `invalid_request`, naming the line. */
export function parseBackupLine(text: string, number: number): BackupLine {
  const json = tryParse(text) as { kind?: ExportKind } | undefined
  if (json?.kind !== undefined && EXPORT_KINDS.includes(json.kind))
    return parseLine(text, number) as ExportLineOf<ExportKind>
  const { data, error } = backupLineSchema.safeParse(json)
  if (data) return data
  throw new LaresError(
    'invalid_request',
    `line ${number} of the backup is not of this version of Lares: ${z.prettifyError(error)}`,
  )
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
