import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import type { AuditRow, AuditStore } from '../../store/store.ts'
import { openKeys } from '../keys.ts'
import { masterKeysFromFile } from '../master-key.ts'
import type { KeyRing } from '../ring/ring.ts'
import { openSqliteKeyRing } from '../ring/sqlite-ring.ts'
import { type Audit, openAudit } from './audit.ts'
import { auditActions } from './entry.ts'

const ENTRIES = 60

/** Stored rows, as somebody with write access to the store left them. */
const readOnlyStore = (rows: AuditRow[]): AuditStore => ({
  append: () => Promise.reject(new Error('nobody appends here')),
  read: async (after, limit) => rows.filter(({ sequence }) => sequence > after).slice(0, limit),
})

let folder: string
let ring: KeyRing
let audit: Audit
let store: AuditStore
let rows: AuditRow[]
let protection: NonNullable<Parameters<typeof openAudit>[0]['protection']>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-audit-'))
  ring = openSqliteKeyRing(join(folder, 'keys.db'))
  const keys = await openKeys({
    ring,
    masterKeys: masterKeysFromFile(join(folder, 'master.key')),
    cacheTtlMs: 0,
  })
  protection = { keys, ring: async () => ring }
  store = openSqliteStore(join(folder, 'conversations.db')).audit
  audit = openAudit({ store, protection, now: () => 0 })
  for (let n = 0; n < ENTRIES; n++)
    await audit.record({
      action: auditActions[n % auditActions.length]!,
      by: { person: `p${n % 3}` },
      about: { n },
    })
  rows = await store.read(0, 1_000)
})
afterAll(() => rm(folder, { recursive: true }))

describe('the audit log', () => {
  test('is sound as it was written, to its head', async () => {
    const { problems, entries, head, anchor } = await audit.verify()
    expect({ problems, entries, anchor }).toEqual({ problems: [], entries: ENTRIES, anchor: head })
    expect(head.sequence).toBe(ENTRIES)
  })

  test('names people while they have a key, and nobody afterwards; the log itself never does', async () => {
    await protection.keys.getOrCreate('zoe')
    await audit.record({ action: 'signed-in', by: { person: 'zoe' } })
    await audit.record({ action: 'forgot', by: 'operator', person: 'zoe' })
    const last = async () => (await audit.read(ENTRIES, 10)).map(({ by, about }) => [by, about.person])
    expect(await last()).toEqual([
      ['zoe', undefined],
      ['operator', 'zoe'],
    ])
    expect(JSON.stringify(await store.read(0, 1_000))).not.toContain('zoe')
    await protection.keys.destroy('zoe')
    expect((await last()).flat().filter(name => name?.toString().startsWith('forgotten'))).toHaveLength(2)
    rows = await store.read(0, 1_000)
  })

  test('what is recorded again under its id is one entry', async () => {
    const tool = { action: 'tool-used', by: { person: 'p1' }, id: 'event-1' } as const
    await Promise.all([audit.record(tool), audit.record(tool)])
    await audit.record(tool)
    expect((await audit.verify()).entries).toBe(rows.length + 1)
    rows = await store.read(0, 1_000)
  })

  test('1,000 random tamperings are all found', async () => {
    let found = 0
    await fc.assert(
      fc.asyncProperty(tampering(rows), async ({ kind, tampered }) => {
        const { problems } = await openAudit({ store: readOnlyStore(tampered), protection }).verify()
        if (problems.length === 0) throw new Error(`not found: ${kind}`)
        found++
      }),
      { numRuns: 1_000 },
    )
    expect(found).toBe(1_000)
    process.stdout.write(`audit: ${found} of 1000 tamperings found\n`)
  })

  test('without keys a tail that is cut off is found by a head that was kept elsewhere, and by nothing else', async () => {
    const plain = openSqliteStore(join(folder, 'plain.db')).audit
    const open = openAudit({ store: plain, protection: undefined })
    for (let n = 0; n < 5; n++) await open.record({ action: 'read', by: 'operator' })
    const { head } = await open.verify()
    const cut = openAudit({
      store: readOnlyStore((await plain.read(0, 9)).slice(0, 3)),
      protection: undefined,
    })
    expect((await cut.verify()).problems).toEqual([])
    expect((await cut.verify([head])).problems).toMatchObject([{ sequence: 4, what: /cut off/ }])
  })

  test('a log that was forged without the system key is found', async () => {
    const forged = openSqliteStore(join(folder, 'forged.db')).audit
    const forger = openAudit({ store: forged, protection: undefined })
    for (let n = 0; n < rows.length; n++) await forger.record({ action: 'read', by: 'operator' })
    const verdict = await openAudit({ store: forged, protection }).verify()
    expect(verdict.problems.length).toBeGreaterThan(0)
  })
})

type Tampered = { kind: string; tampered: AuditRow[] }

/** One change of any kind to the stored rows, at any place; the rows then always differ from the written ones. */
function tampering(rows: AuditRow[]): fc.Arbitrary<Tampered> {
  const anyIndex = fc.nat(rows.length - 1)
  const tamper = (kind: string, tampered: fc.Arbitrary<AuditRow[]>) =>
    tampered
      .filter(after => JSON.stringify(after) !== JSON.stringify(rows))
      .map((after): Tampered => ({ kind, tampered: after }))
  const withChange = (at: number, change: Partial<AuditRow>) =>
    rows.map((row, n) => (n === at ? { ...row, ...change } : row))
  const flipBit = (text: string, at: number, by: number) => {
    const bytes = Buffer.from(text)
    bytes[at % bytes.length]! ^= 1 << (by % 7)
    return bytes.toString('latin1')
  }
  return fc.oneof(
    tamper(
      'altered text',
      fc
        .tuple(anyIndex, fc.nat(), fc.nat())
        .map(([at, n, by]) => withChange(at, { text: flipBit(rows[at]!.text, n, by) })),
    ),
    tamper(
      'altered hash',
      fc
        .tuple(anyIndex, fc.nat(), fc.nat())
        .map(([at, n, by]) => withChange(at, { hash: flipBit(rows[at]!.hash, n, by) })),
    ),
    tamper(
      'altered id',
      fc.tuple(anyIndex, fc.uuid()).map(([at, id]) => withChange(at, { id })),
    ),
    tamper(
      'another entry',
      fc.tuple(anyIndex, anyIndex).map(([at, from]) => withChange(at, { ...rows[from]!, sequence: at + 1 })),
    ),
    tamper(
      'dropped',
      anyIndex.map(at => rows.toSpliced(at, 1)),
    ),
    tamper(
      'dropped, numbers closed up',
      anyIndex.map(at => rows.toSpliced(at, 1).map((row, n) => ({ ...row, sequence: n + 1 }))),
    ),
    tamper(
      'two changed places',
      fc
        .tuple(anyIndex, anyIndex)
        .map(([a, b]) =>
          withChange(a, { ...rows[b]!, sequence: a + 1 }).map((row, n) =>
            n === b ? { ...rows[a]!, sequence: b + 1 } : row,
          ),
        ),
    ),
    tamper(
      'cut off at the end',
      fc.nat(rows.length - 1).map(length => rows.slice(0, length)),
    ),
    tamper(
      'cut off at the beginning',
      fc.integer({ min: 1, max: rows.length - 1 }).map(length => rows.slice(length)),
    ),
    tamper(
      'one put in',
      fc
        .tuple(anyIndex, fc.uuid())
        .map(([at, id]) =>
          rows.toSpliced(at, 0, { ...rows[at]!, id }).map((row, n) => ({ ...row, sequence: n + 1 })),
        ),
    ),
  )
}
