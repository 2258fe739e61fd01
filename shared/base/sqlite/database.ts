import { DatabaseSync } from 'node:sqlite'
import { LaresError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { isDamageError, nameDamage } from './damage.ts'
import { migrateDatabase } from './migrations.ts'
import { makePrivateFile } from './private-file.ts'

export type OpenOptions = {
  allowExtension?: boolean
  /** Receives a message when an existing file is migrated. */
  log?: Logger | undefined
}

/**
 * Opens a SQLite file so that a commit survives kill -9 and power loss: SQLite syncs the write-ahead log at each commit
 * (https://sqlite.org/pragma.html#pragma_synchronous, FULL). `migrations` run in order, each once, all in one
 * transaction. Errors: `unavailable`, with the file and the remedy; `invalid_config` for a file of a newer Lares.
 */
export function openDatabase(file: string, migrations: string[], options: OpenOptions = {}): DatabaseSync {
  const { log, ...sqliteOptions } = options
  let database: DatabaseSync | undefined
  try {
    makePrivateFile(file)
    database = nameDamage(new DatabaseSync(file, sqliteOptions), file)
    database.exec(
      'PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON',
    )
    migrateDatabase(database, { what: `the database ${file}`, migrations, log })
    return database
  } catch (cause) {
    if (database?.isOpen) database.close()
    if (cause instanceof LaresError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const remedy = isDamageError(cause) ? '' : "; check the folder's rights and free space"
    throw new LaresError('unavailable', `the database ${file} cannot be opened: ${reason}${remedy}`, {
      cause,
    })
  }
}

/** Runs work inside a transaction that all work of the same turn of the event loop shares: one sync for all. */
export type GroupCommit = {
  /**
   * Resolves with the result of `work` when it is durable. An error of `work` undoes that work alone. Errors:
   * `unavailable`.
   */
  run<T>(work: () => T): Promise<T>
}

type PendingWork = { work: () => unknown; resolve: (value: never) => void; reject: (error: unknown) => void }

export function createGroupCommit(database: DatabaseSync): GroupCommit {
  let pending: PendingWork[] = []
  const flush = () => {
    const group = pending
    pending = []
    try {
      commitGroup(database, group)
    } catch (cause) {
      rollBack(database)
      const error = unavailableError(cause)
      for (const { reject } of group) reject(error)
    }
  }
  return {
    run(work) {
      return new Promise((resolve, reject) => {
        if (pending.push({ work, resolve, reject }) === 1) setImmediate(flush)
      })
    },
  }
}

function commitGroup(database: DatabaseSync, group: PendingWork[]): void {
  const settle: (() => void)[] = []
  database.exec('BEGIN IMMEDIATE')
  for (const { work, resolve, reject } of group) {
    database.exec('SAVEPOINT work')
    try {
      const value = work() as never
      settle.push(() => resolve(value))
    } catch (error) {
      // SQLite has already rolled back the whole transaction, as it may when the disk is full.
      if (!database.isTransaction) throw error
      database.exec('ROLLBACK TO work')
      settle.push(() => reject(isDiskError(error) ? unavailableError(error) : error))
    }
    database.exec('RELEASE work')
  }
  database.exec('COMMIT')
  for (const done of settle) done()
}

/** When the rollback fails too, the connection is broken, and the next transaction reports it. */
function rollBack(database: DatabaseSync): void {
  try {
    if (database.isOpen && database.isTransaction) database.exec('ROLLBACK')
  } catch (error) {
    if (!isDiskError(error)) throw error
  }
}

/** Primary result codes that concern the file and not the statement: https://sqlite.org/rescode.html */
const DISK_ERROR_CODES = {
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
}

function isDiskError(error: unknown): boolean {
  const { errcode } = error as { errcode?: number }
  return errcode !== undefined && Object.values(DISK_ERROR_CODES).includes(errcode & 0xff)
}

function unavailableError(cause: unknown): LaresError {
  const reason = (cause as Error).message
  const message = isDamageError(cause) ? reason : `the database cannot be written: ${reason}`
  return new LaresError('unavailable', message, { cause })
}
