import { newId } from '../../contract/events/ids.ts'
import type { AuditRow, AuditStore } from '../../store/store.ts'
import { type Keys, SYSTEM } from '../keys.ts'
import type { KeyRing } from '../ring/ring.ts'
import {
  type AuditAction,
  type AuditEntry,
  type AuditProblem,
  auditEntrySchema,
  type ChainHead,
  GENESIS_HASH,
  hashEntry,
  openChainVerifier,
} from './entry.ts'

/**
 * The actor of an entry: a person, who may be new; the assistant, on behalf of somebody who has spoken before; an
 * operator, at the command line or by the configuration; the connector, for an unknown person.
 */
export type Actor = { person: string } | { onBehalfOf: string } | 'operator' | 'connector'

export type NewAuditEntry = {
  action: AuditAction
  by: Actor
  /** The person whom the entry is about, if anybody. */
  person?: string
  /** Ids and counts; never anything that a person said. */
  about?: { [name: string]: string | number }
  /** Entries with the same id are recorded once. Default: a new id. */
  id?: string
}

export type AuditVerification = {
  entries: number
  head: ChainHead
  anchor: ChainHead | undefined
  problems: AuditProblem[]
}

export type Audit = {
  /**
   * Resolves when the entry is durable. Errors: `unavailable`; `forgotten` if it is on behalf of a forgotten person.
   */
  record(what: NewAuditEntry): Promise<void>
  /** Entries in their order; people who still have a key appear by name. */
  read(afterSequence: number, limit: number): Promise<AuditEntry[]>
  /** Checks the whole chain; `expected` are heads that were kept elsewhere. */
  verify(expected?: ChainHead[]): Promise<AuditVerification>
}

export type AuditDependencies = {
  store: AuditStore
  /** Without keys the chain has plain hashes, and only `expected` reveals that the end was cut off. */
  protection: { keys: Keys; ring(): Promise<KeyRing> } | undefined
  now?: () => number
}

export const AUDIT_ANCHOR_NAME = 'audit'
const PAGE_SIZE = 1_000

/** The audit log: rows in the store, chained by hash, with the newest hash kept in the key ring. */
export function openAudit({ store, protection, now = Date.now }: AuditDependencies): Audit {
  const systemKey = async () => (await protection?.keys.getOrCreate(SYSTEM))?.audit
  const actorKeyName = async (by: Exclude<Actor, string>) => {
    const isPerson = 'person' in by
    const name = isPerson ? by.person : by.onBehalfOf
    if (!protection) return `person:${name}`
    const { keys } = protection
    return `key:${(await (isPerson ? keys.getOrCreate(name) : keys.require(name))).id}`
  }
  /** Being the subject of an entry gives a person no key. */
  const subjectKeyName = async (person: string) => {
    if (!protection) return `person:${person}`
    const key = await protection.keys.find(person)
    return key ? `key:${key.id}` : 'nobody who has a key'
  }
  const actorText = async (by: Actor) => (typeof by === 'string' ? by : await actorKeyName(by))
  return {
    async record({ action, by, person, about = {}, id = newId() }) {
      const key = await systemKey()
      const subject = person === undefined ? {} : { person: await subjectKeyName(person) }
      const fields = {
        id,
        at: new Date(now()).toISOString(),
        action,
        by: await actorText(by),
        about: { ...subject, ...about },
      }
      const row = await store.append(id, last => {
        const sequence = (last?.sequence ?? 0) + 1
        const text = JSON.stringify({ sequence, ...fields })
        return { sequence, id, text, hash: hashEntry(last?.hash ?? GENESIS_HASH, text, key) }
      })
      await (await protection?.ring())?.setAnchor(AUDIT_ANCHOR_NAME, row.sequence, row.hash)
    },
    async read(after, limit) {
      const rows = await store.read(after, limit)
      return await Promise.all(rows.map(row => resolveNames(row, protection?.keys)))
    },
    async verify(expected = []) {
      const anchor = await (await protection?.ring())?.getAnchor(AUDIT_ANCHOR_NAME)
      const chain = openChainVerifier(await systemKey(), [...expected, ...(anchor ? [anchor] : [])])
      let entries = 0
      for (let after = 0; ; ) {
        const rows = await store.read(after, PAGE_SIZE)
        rows.forEach(chain.check)
        entries += rows.length
        if (rows.length < PAGE_SIZE) break
        after = rows.at(-1)!.sequence
      }
      return { entries, anchor, ...chain.end() }
    },
  }
}

/** An entry that cannot be read is shown unchanged; verifying tells what is wrong with it. */
async function resolveNames({ text }: AuditRow, keys: Keys | undefined): Promise<AuditEntry> {
  const entry = auditEntrySchema.parse(JSON.parse(text))
  const resolve = async (name: string) => {
    const id = /^key:(.+)$/.exec(name)?.[1]
    if (id === undefined || !keys) return name
    return (await keys.byId(id))?.person ?? `forgotten (${name})`
  }
  const { person } = entry.about
  return {
    ...entry,
    by: await resolve(entry.by),
    about: { ...entry.about, ...(typeof person === 'string' && { person: await resolve(person) }) },
  }
}
