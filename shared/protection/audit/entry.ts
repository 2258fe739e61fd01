import { createHash, createHmac, type KeyObject } from 'node:crypto'
import * as z from 'zod'
import type { AuditRow } from '../../store/store.ts'

/** The recorded actions; an entry never contains anything that a person said. */
export const auditActions = [
  'signed-in',
  'read',
  'exported',
  'imported',
  'backed-up',
  'restored',
  'forgot',
  'configuration-changed',
  'keys-rotated',
  'tool-used',
] as const
export type AuditAction = (typeof auditActions)[number]

const aboutValueSchema = z.union([z.string(), z.number()])

export const auditEntrySchema = z.strictObject({
  sequence: z.int().positive(),
  id: z.string(),
  /** ISO 8601, UTC. */
  at: z.string(),
  action: z.enum(auditActions),
  /** `key:ID` for a person, whom only the key ring knows by it; `person:NAME` without encryption; else the actor. */
  by: z.string(),
  /** Ids and counts. */
  about: z.record(z.string(), aboutValueSchema),
})
export type AuditEntry = z.infer<typeof auditEntrySchema>

/** The hash before the first entry. */
export const GENESIS_HASH = 'lares audit'

/**
 * The hash of an entry covers its text and the hash before it. A change, a removal or a move of one entry therefore
 * breaks all later hashes. The hash is keyed by the system key (HMAC-SHA-256), so the store alone is not enough to
 * forge it.
 */
export function hashEntry(previous: string, text: string, key: KeyObject | undefined): string {
  const hash = key ? createHmac('sha256', key) : createHash('sha256')
  return hash.update(JSON.stringify([previous, text])).digest('hex')
}

export type AuditProblem = { sequence: number; what: string }
export type ChainHead = { sequence: number; hash: string }

/** Verifies the chain row by row. */
export function openChainVerifier(key: KeyObject | undefined, anchors: ChainHead[]) {
  const problems: AuditProblem[] = []
  let head: ChainHead = { sequence: 0, hash: GENESIS_HASH }
  const check = (row: AuditRow) => {
    const expected = head.sequence + 1
    if (row.sequence !== expected)
      problems.push({
        sequence: expected,
        what: `entry ${expected} is missing: ${row.sequence} comes after ${head.sequence}`,
      })
    const isIntact = hashEntry(head.hash, row.text, key) === row.hash && matchesColumns(row)
    if (!isIntact && row.sequence === expected)
      problems.push({
        sequence: row.sequence,
        what: `entry ${row.sequence} was altered, or is not where it was`,
      })
    head = { sequence: row.sequence, hash: row.hash }
    for (const anchor of anchors)
      if (anchor.sequence === row.sequence && anchor.hash !== row.hash)
        problems.push({
          sequence: row.sequence,
          what: `entry ${row.sequence} is not the one that was anchored`,
        })
  }
  return {
    check,
    end() {
      for (const { sequence } of anchors)
        if (sequence > head.sequence)
          problems.push({
            sequence: head.sequence + 1,
            what: `the entries ${head.sequence + 1} to ${sequence} were cut off: the log was anchored at ${sequence}`,
          })
      return { head, problems }
    },
  }
}

/** The columns must equal the hashed text. */
function matchesColumns({ sequence, id, text }: AuditRow): boolean {
  try {
    const entry = auditEntrySchema.parse(JSON.parse(text))
    return entry.sequence === sequence && entry.id === id
  } catch {
    return false
  }
}
