import { newId } from '../../contract/events/ids.ts'
import type { AuditRow, AuditStore } from '../../store/store.ts'
import { HOUSE, type Keys } from '../keys.ts'
import type { Ring } from '../ring/ring.ts'
import {
  type Action,
  type AuditEntry,
  auditEntry,
  BEGINNING,
  type Head,
  hashOf,
  openChain,
  type Problem,
} from './entry.ts'

/**
 * Who did it: a person, who may be new; the assistant, on behalf of somebody who has been here; an operator, at the command
 * line or by the configuration; the connector, for nobody who is known.
 */
export type Who = { person: string } | { onBehalfOf: string } | 'operator' | 'connector'

export type Record = {
  action: Action
  by: Who
  /** Whom it is about, if anybody. */
  person?: string
  /** Ids and counts, nothing that a person said. */
  about?: { [name: string]: string | number }
  /** What is recorded under the same id again is recorded once. Default: a new one. */
  id?: string
}

export type Verdict = { entries: number; head: Head; anchor: Head | undefined; problems: Problem[] }

export type Audit = {
  /** Resolves when it is durable. Errors: `unavailable`; `forgotten` on behalf of somebody who was. */
  record(what: Record): Promise<void>
  /** In their order, with the people whose keys are still there by name. */
  read(afterSequence: number, limit: number): Promise<AuditEntry[]>
  /** Looks at the whole chain; `expected` are heads that were kept elsewhere. */
  verify(expected?: Head[]): Promise<Verdict>
}

export type AuditParts = {
  store: AuditStore
  /** Without keys the chain is of plain hashes, and nothing but `expected` tells of a tail that was cut off. */
  protection: { keys: Keys; ring(): Promise<Ring> } | undefined
  now?: () => number
}

const ANCHOR = 'audit'
const PAGE = 1_000

/** The audit log: rows in the store, chained by hash, with the newest hash kept in the key ring. */
export function openAudit({ store, protection, now = Date.now }: AuditParts): Audit {
  const keyOfHouse = async () => (await protection?.keys.of(HOUSE))?.audit
  const nameOf = async (by: Exclude<Who, string>) => {
    const isPerson = 'person' in by
    const name = isPerson ? by.person : by.onBehalfOf
    if (!protection) return `person:${name}`
    const { keys } = protection
    return `key:${(await (isPerson ? keys.of(name) : keys.ofKnown(name))).id}`
  }
  /** To be told of is no reason to get a key. */
  const nameIn = async (person: string) => {
    if (!protection) return `person:${person}`
    const key = await protection.keys.existing(person)
    return key ? `key:${key.id}` : 'nobody who has a key'
  }
  const who = async (by: Who) => (typeof by === 'string' ? by : await nameOf(by))
  return {
    async record({ action, by, person, about = {}, id = newId() }) {
      const key = await keyOfHouse()
      const whom = person === undefined ? {} : { person: await nameIn(person) }
      const fields = {
        id,
        at: new Date(now()).toISOString(),
        action,
        by: await who(by),
        about: { ...whom, ...about },
      }
      const row = await store.append(id, last => {
        const sequence = (last?.sequence ?? 0) + 1
        const text = JSON.stringify({ sequence, ...fields })
        return { sequence, id, text, hash: hashOf(last?.hash ?? BEGINNING, text, key) }
      })
      await (await protection?.ring())?.anchor(ANCHOR, row.sequence, row.hash)
    },
    async read(after, limit) {
      const rows = await store.read(after, limit)
      return await Promise.all(rows.map(row => named(row, protection?.keys)))
    },
    async verify(expected = []) {
      const anchor = await (await protection?.ring())?.anchored(ANCHOR)
      const chain = openChain(await keyOfHouse(), [...expected, ...(anchor ? [anchor] : [])])
      let entries = 0
      for (let after = 0; ; ) {
        const rows = await store.read(after, PAGE)
        rows.forEach(chain.check)
        entries += rows.length
        if (rows.length < PAGE) break
        after = rows.at(-1)!.sequence
      }
      return { entries, anchor, ...chain.end() }
    },
  }
}

/** An entry that cannot be read is shown as it is: verifying tells what is wrong with it. */
async function named({ text }: AuditRow, keys: Keys | undefined): Promise<AuditEntry> {
  const entry = auditEntry.parse(JSON.parse(text))
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
