import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LaresError } from '../../../shared/base/errors.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { LARES_VERSION } from '../../../shared/base/version.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { openRawBus, openRawObjects, openRawStore, openRawVectors } from '../../../shared/host/raw-drivers.ts'
import type { AuditAction } from '../../../shared/protection/audit/entry.ts'
import { openProtection, type Protection } from '../../../shared/protection/protection.ts'
import { withStores } from '../data/stores.ts'
import { fetchReadiness } from '../operations/readiness.ts'
import { print, printJson, yellow } from '../terminal.ts'
import { openBackup, writeBackup } from './backup-file.ts'
import { BACKUP_FORMAT, type BackupHeader } from './backup-format.ts'
import { backupLines, type RawStores } from './backup-lines.ts'
import { openLogSource } from './log-source.ts'
import { restoreBackup } from './restore.ts'

type Flags = { json?: boolean }
export type BackupFlags = Flags & { keys?: boolean }

export async function backupCommand(
  environment: Environment,
  file: string,
  flags: BackupFlags,
): Promise<number> {
  requireData(environment)
  await recordAction(environment, 'backed-up')
  const log = await openLogSource(environment)
  try {
    const summary = await withRawStores(environment, async (stores, protection) => {
      const masterKeys = await protection?.masterKeys()
      const header: BackupHeader = {
        kind: 'lares-backup',
        format: BACKUP_FORMAT,
        lares: LARES_VERSION,
        at: new Date().toISOString(),
        salt: randomBytes(16).toString('base64'),
        master: (await masterKeys?.all())?.[0].id ?? null,
      }
      return await writeBackup(
        file,
        { header, masterKeys },
        backupLines(log, stores, { withKeys: flags.keys !== false }),
      )
    })
    if (flags.json) printJson(summary)
    else {
      print(`${file}: ${summary.lines} lines, ${summary.bytes} bytes, SHA-256 ${summary.sha256}`)
      print(
        environment.masterKey
          ? flags.keys === false
            ? 'It has no keys: to read it takes the key ring (keys.db) and the master key. Keep all three, apart.'
            : 'It opens with the master key alone, which is not in it: keep both, and keep them apart.'
          : `${yellow('!')} LARES_PROTECTION=off: whoever has the file can read all of it.`,
      )
    }
    return 0
  } finally {
    await log.close()
  }
}

/** A mistyped LARES_HOME would otherwise give an empty backup for years. */
function requireData({ dataDirectory, database }: Environment): void {
  if (database === undefined && !existsSync(join(dataDirectory, 'conversations.db')))
    throw new LaresError(
      'not_found',
      `there is no data in ${dataDirectory}: set LARES_HOME to the data directory`,
    )
}

export async function restoreCommand(environment: Environment, file: string, flags: Flags): Promise<number> {
  await requireNoGateway(environment)
  const report = await withRawStores(environment, async (stores, protection) => {
    const backup = await openBackup(file, await protection?.masterKeys())
    requireSameProtection(backup.header, protection)
    const bus = await openRawBus(environment, silentLogger)
    try {
      return await restoreBackup(backup, bus, stores)
    } finally {
      await bus.close()
    }
  })
  await recordAction(environment, 'restored')
  if (flags.json) printJson(report)
  else {
    const { rows, records, vectors, objects, keys } = report
    print(
      `${rows} rows, ${records} records of the log, ${vectors} vectors, ${objects} objects and ${keys} keys are restored: start Lares now`,
    )
  }
  return 0
}

async function recordAction(environment: Environment, action: AuditAction): Promise<void> {
  await withStores(environment, ({ audit }) =>
    audit.record({ action, by: 'operator', about: { lines: 'all' } }),
  )
}

async function withRawStores<T>(
  environment: Environment,
  work: (stores: RawStores, protection: Protection | undefined) => Promise<T>,
): Promise<T> {
  const protection = openProtection(environment, silentLogger)
  // Open the ring before the store, as each start does: a store without a ring shows that something is missing.
  const ring = await protection?.ring()
  const store = await openRawStore(environment, silentLogger)
  const vectors = await openRawVectors(environment, silentLogger)
  try {
    return await work({ store, vectors, objects: await openRawObjects(environment), ring }, protection)
  } finally {
    await vectors.close()
    await store.close()
    await protection?.close()
  }
}

async function requireNoGateway({ gatewayUrl }: Environment): Promise<void> {
  const isRunning = await fetchReadiness(gatewayUrl).then(
    () => true,
    () => false,
  )
  if (isRunning)
    throw new LaresError(
      'conflict',
      `Lares runs at ${gatewayUrl}: stop it, or set PORT or LARES_URL to another one`,
    )
}

function requireSameProtection({ master }: BackupHeader, protection: Protection | undefined): void {
  if (master !== null && !protection)
    throw new LaresError('invalid_config', 'the backup is encrypted: restore it without LARES_PROTECTION=off')
  if (master === null && protection)
    throw new LaresError(
      'invalid_config',
      'the backup was made with LARES_PROTECTION=off: restore it with that, or move by "lares export" and "lares import"',
    )
}
