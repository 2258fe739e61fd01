import { LaresError } from '../../../shared/base/errors.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { RESTORE_RECORD, readRestoreState } from '../../../shared/operations/restore-state.ts'
import type { JournalEntry } from '../../../shared/store/store.ts'
import type { ExportLine } from '../data/export-format.ts'
import { type ImportReport, importLines } from '../data/import-lines.ts'
import type { OpenedBackup } from './backup-file.ts'
import type { BackupLine, BackupLineOf } from './backup-format.ts'
import type { RawStores } from './backup-lines.ts'
import { type LogRestore, openLogRestore, requireEmptyLog } from './log-restore.ts'
import { planRestore, type RestorePlan } from './restore-plan.ts'

export type RestoreReport = ImportReport & { records: number; keys: number }

const JOURNAL_BATCH_SIZE = 500

/**
 * Restores a backup into an empty deployment. It reads and verifies the whole backup before it writes anything. The
 * same command with the same backup resumes an interrupted restore; until it ends the gateway refuses to start. Errors:
 * `conflict` for a deployment that is not empty; those of the backup and of the stores.
 */
export async function restoreBackup(
  { header, read }: OpenedBackup,
  bus: Bus,
  stores: RawStores,
): Promise<RestoreReport> {
  const plan = await planRestore(read())
  const { records } = stores.store
  const state = await readRestoreState(records)
  if (state?.state === 'done') throw alreadyRestored(state.backup)
  if (state && state.backup !== header.salt)
    throw new LaresError(
      'conflict',
      'a restore of another backup was stopped here: end that one, or begin with an empty deployment',
    )
  const log = await openLogRestore(bus, plan.topics)
  if (!state) {
    await requireEmptyStores(stores, plan)
    requireEmptyLog(log)
  }
  const mark = (state: 'running' | 'done') =>
    records.put(RESTORE_RECORD.collection, {
      ...RESTORE_RECORD,
      text: '',
      body: { backup: header.salt, state },
      createdAt: new Date().toISOString(),
    })
  await mark('running')
  await restoreKeys(stores, plan)
  const report = await restoreLines(read(), stores, log)
  await log.end(plan.positions)
  await mark('done')
  return { ...report, keys: plan.keys.length }
}

const alreadyRestored = (backup: string) =>
  new LaresError('conflict', `the backup ${backup} was restored here: restore into an empty deployment`)

async function requireEmptyStores({ store, objects, ring }: RawStores, { keys }: RestorePlan): Promise<void> {
  const refuse = (what: string) => {
    throw new LaresError(
      'conflict',
      `this deployment has ${what}: restore into an empty one (another LARES_HOME, database or bucket)`,
    )
  }
  const [person] = await store.rows.people()
  if (person !== undefined) refuse(`data of ${person}`)
  if ((await store.audit.read(0, 1)).length > 0) refuse('an audit log')
  const ringSize = (await ring?.all())?.length ?? 0
  if (keys.length > 0 && ringSize > 0) refuse('keys of its own')
  if (ring && keys.length === 0 && ringSize === 0)
    throw new LaresError(
      'invalid_config',
      'the backup was made without keys: put the key ring (keys.db, or the schema lares_keys) here first',
    )
  for await (const key of objects.list('')) refuse(`the object ${key}`)
}

async function restoreKeys({ ring }: RawStores, { keys, anchors }: RestorePlan): Promise<void> {
  for (const { kind: _, ...entry } of keys) {
    const inPlace = await ring?.add(entry)
    if (inPlace && inPlace.id !== entry.id)
      throw new LaresError('conflict', `the key ring here has another key of ${entry.person || 'the system'}`)
  }
  for (const { name, sequence, hash } of anchors) await ring?.setAnchor(name, sequence, hash)
}

async function restoreLines(
  lines: AsyncIterable<BackupLine>,
  stores: RawStores,
  log: LogRestore,
): Promise<Omit<RestoreReport, 'keys'>> {
  let records = 0
  let journal: JournalEntry[] = []
  const writeJournal = async () => {
    await stores.store.copy.writeJournal(journal)
    journal = []
  }
  async function* importable(): AsyncGenerator<ExportLine> {
    for await (const line of lines) {
      if (line.kind === 'record') {
        records++
        await log.add(line)
      } else if (line.kind === 'journal') {
        const { kind: _, ...entry } = line
        if (journal.push(entry) >= JOURNAL_BATCH_SIZE) await writeJournal()
      } else if (line.kind === 'audit') await restoreAuditRow(stores, line)
      else if (isImportable(line)) yield line
    }
  }
  const report = await importLines(importable(), { ...stores, protection: undefined }, undefined)
  await writeJournal()
  return { ...report, records }
}

type ImportableLine = Extract<BackupLine, { kind: Exclude<ExportLine['kind'], 'end' | 'lares-export'> }>

const HANDLED_BEFORE = new Set(['position', 'key', 'anchor', 'end'])
const isImportable = (line: BackupLine): line is ImportableLine => !HANDLED_BEFORE.has(line.kind)

async function restoreAuditRow(
  { store }: RawStores,
  { sequence, id, text, hash }: BackupLineOf<'audit'>,
): Promise<void> {
  await store.audit.append(id, () => ({ sequence, id, text, hash }))
}
