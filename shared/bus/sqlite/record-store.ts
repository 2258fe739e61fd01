import { DatabaseSync } from 'node:sqlite'
import { LaresError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { isDamageError, nameDamage, requireUndamaged } from '../../base/sqlite/damage.ts'
import { migrateDatabase } from '../../base/sqlite/migrations.ts'
import { makePrivateFile } from '../../base/sqlite/private-file.ts'
import { type BusMessage, type BusRecord, DEFAULT_PARTITIONS, type TopicSettings } from '../bus.ts'

/** One partition of one topic. Only a finished transaction moves `end`. */
export type Stream = {
  id: number
  topic: string
  partition: number
  /** One past the last record. */
  end: number
  lastTimestampMs: number
}

export type BusStore = ReturnType<typeof openBusStore>

const MAX_READ_BYTES = 4 * 1024 * 1024
const SQLITE_BUSY = 5
/** A predecessor that was just killed may need a moment to release the file. */
const LOCK_WAIT_MS = 1_000

/**
 * A record's rowid is stream * OFFSETS_PER_STREAM + offset. So each stream is a run of neighbours in one tree. A 1 KB
 * value stays on its leaf page; a table WITHOUT ROWID would move it to an overflow page of its own. The rowids suffice
 * for two million streams of four billion records.
 */
const OFFSETS_PER_STREAM = 2 ** 32

/** Lares 0.1.0 created these tables without a version, so the first migration keeps existing tables. */
export const migrations = [
  `
  CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, retention_ms INTEGER) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    -- the lowest end that retention must leave behind when it empties a stream
    floor INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY, timestamp_ms INTEGER NOT NULL, key TEXT NOT NULL, headers TEXT NOT NULL, value BLOB NOT NULL
  );
  CREATE TABLE IF NOT EXISTS commits (
    consumer TEXT NOT NULL, stream INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (consumer, stream)
  ) WITHOUT ROWID`,
]

type Row = { position: number; timestamp_ms: number; key: string; headers: string; value: Uint8Array }

/**
 * The tables of the embedded log. Every write happens inside `write`. The file is under an exclusive lock, which the
 * kernel releases when the process dies. Errors: `busy` when another process holds the lock, `invalid_config` when the
 * file has another number of partitions.
 */
export function openBusStore(file: string, wantedPartitions?: number, log?: Logger) {
  const db = openExclusively(file, log)
  const partitions = resolvePartitionCount(db, file, wantedPartitions)
  const topics = new Map<string, Stream[]>()
  const retentions = new Map<string, number>()
  const sql = {
    first: db.prepare(
      'SELECT position FROM records WHERE position >= ? AND position < ? ORDER BY position LIMIT 1',
    ),
    last: db.prepare(
      'SELECT position, timestamp_ms FROM records WHERE position >= ? AND position < ? ORDER BY position DESC LIMIT 1',
    ),
    timestamp: db.prepare('SELECT timestamp_ms FROM records WHERE position = ?'),
    read: db.prepare('SELECT * FROM records WHERE position >= ? AND position < ? ORDER BY position LIMIT ?'),
    append: db.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM records WHERE position >= ? AND position < ?'),
    raiseFloor: db.prepare('UPDATE streams SET floor = max(floor, ?) WHERE id = ?'),
    addTopic: db.prepare('INSERT OR IGNORE INTO topics VALUES (?, ?)'),
    addStream: db.prepare('INSERT INTO streams (topic, partition) VALUES (?, ?)'),
    commit: db.prepare('INSERT INTO commits VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next'),
    committed: db.prepare('SELECT next FROM commits WHERE consumer = ? AND stream = ?'),
    touch: db.prepare("INSERT OR REPLACE INTO settings VALUES ('checked_ms', ?)"),
  }
  /** The changes in memory that follow once the running transaction is durable. */
  let afterCommit: (() => void)[] = []
  let pendingEnds = new Map<Stream, { end: number; lastTimestampMs: number }>()
  load()

  function load(): void {
    for (const { name, retention_ms } of db.prepare('SELECT * FROM topics').all())
      if (retention_ms !== null) retentions.set(String(name), Number(retention_ms))
    for (const row of db.prepare('SELECT * FROM streams ORDER BY topic, partition').all()) {
      const { id, topic, partition, floor } = row as {
        id: number
        topic: string
        partition: number
        floor: number
      }
      const last = sql.last.get(...rowidRange(id)) as Pick<Row, 'position' | 'timestamp_ms'> | undefined
      const end = last === undefined ? floor : last.position - id * OFFSETS_PER_STREAM + 1
      const stream = { id, topic, partition, end, lastTimestampMs: last?.timestamp_ms ?? 0 }
      topics.set(topic, [...(topics.get(topic) ?? []), stream])
    }
  }

  /** Runs one transaction with one sync. A failed transaction changes nothing, on disk or in memory. */
  function write(work: () => void): void {
    afterCommit = []
    pendingEnds = new Map()
    try {
      db.exec('BEGIN IMMEDIATE')
      work()
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
    for (const [stream, pendingEnd] of pendingEnds) Object.assign(stream, pendingEnd)
    for (const change of afterCommit) change()
  }

  function addTopic({ name, retentionMs }: TopicSettings): void {
    if (sql.addTopic.run(name, retentionMs ?? null).changes === 0) return
    const streams = Array.from({ length: partitions }, (_, partition) => {
      const { lastInsertRowid } = sql.addStream.run(name, partition)
      return { id: Number(lastInsertRowid), topic: name, partition, end: 0, lastTimestampMs: 0 }
    })
    afterCommit.push(() => {
      topics.set(name, streams)
      if (retentionMs !== undefined) retentions.set(name, retentionMs)
    })
  }

  function append(stream: Stream, message: BusMessage, nowMs: number): void {
    const { end, lastTimestampMs } = pendingEnds.get(stream) ?? stream
    // Time never goes back within a stream, so bisection can find a time.
    const timestampMs = Math.max(nowMs, lastTimestampMs)
    const position = stream.id * OFFSETS_PER_STREAM + end
    sql.append.run(position, timestampMs, message.key, JSON.stringify(message.headers), message.value)
    pendingEnds.set(stream, { end: end + 1, lastTimestampMs: timestampMs })
  }

  /** Reads at most `limit` records from an offset on, or fewer when they are large. */
  function read(stream: Stream, from: number, limit: number): BusRecord[] {
    const records: BusRecord[] = []
    let bytes = 0
    for (const row of sql.read.iterate(...rowidRange(stream.id, from), limit)) {
      records.push(toRecord(stream, row as Row))
      bytes += (row as Row).value.length + (row as Row).headers.length
      if (bytes > MAX_READ_BYTES) break
    }
    return records
  }

  /** The offset of the oldest stored record, or `end` for an empty stream. */
  function start(stream: Stream): number {
    const first = sql.first.get(...rowidRange(stream.id)) as Pick<Row, 'position'> | undefined
    return first === undefined ? stream.end : first.position - stream.id * OFFSETS_PER_STREAM
  }

  /** The offset of the first record at or after a time, or `end`. Offsets between start and end have no gaps. */
  function offsetAt(stream: Stream, timeMs: number): number {
    let low = start(stream)
    let high = stream.end
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const row = sql.timestamp.get(stream.id * OFFSETS_PER_STREAM + middle) as Pick<Row, 'timestamp_ms'>
      if (row.timestamp_ms < timeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    partitions,
    topics,
    retentions,
    write,
    addTopic,
    append,
    read,
    start,
    offsetAt,
    commit: (group: string, stream: Stream, next: number) => void sql.commit.run(group, stream.id, next),
    committed: (group: string, stream: Stream): number | null =>
      (sql.committed.get(group, stream.id)?.next as number | undefined) ?? null,
    /** Deletes the records with offsets in [from, to). */
    remove(stream: Stream, from: number, to: number): void {
      sql.raiseFloor.run(to, stream.id)
      sql.remove.run(stream.id * OFFSETS_PER_STREAM + from, stream.id * OFFSETS_PER_STREAM + to)
    },
    /** Errors: `unavailable` for a damaged file. */
    touch(nowMs: number) {
      requireUndamaged(db)
      sql.touch.run(nowMs)
    },
    close: () => db.close(),
  }
}

function rowidRange(id: number, from = 0): [number, number] {
  return [id * OFFSETS_PER_STREAM + from, (id + 1) * OFFSETS_PER_STREAM]
}

function toRecord(stream: Stream, { position, timestamp_ms, key, headers, value }: Row): BusRecord {
  return {
    topic: stream.topic,
    partition: stream.partition,
    offset: position - stream.id * OFFSETS_PER_STREAM,
    timestampMs: timestamp_ms,
    key,
    headers: JSON.parse(headers),
    value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  }
}

function openExclusively(file: string, log: Logger | undefined): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    makePrivateFile(file)
    db = nameDamage(new DatabaseSync(file, { timeout: LOCK_WAIT_MS }), file)
    // Exclusive mode comes before the first access in WAL mode: SQLite then creates no shared memory file and keeps the
    // lock until the end.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    migrateDatabase(db, { what: `the log ${file}`, migrations, log })
    return db
  } catch (error) {
    db?.close()
    throw openError(file, error)
  }
}

function openError(file: string, cause: unknown): LaresError {
  if (cause instanceof LaresError) return cause
  const { errcode, message } = cause as Error & { errcode?: number }
  if (isDamageError(cause)) return new LaresError('unavailable', message, { cause })
  if (errcode !== SQLITE_BUSY)
    return new LaresError('unavailable', `the log ${file} cannot be opened: ${message}`, { cause })
  const remedy = 'stop that one, or give this one another LARES_HOME'
  return new LaresError('busy', `the log ${file} is in use by another process: ${remedy}`, { cause })
}

function resolvePartitionCount(db: DatabaseSync, file: string, wanted?: number): number {
  const stored = db.prepare("SELECT value FROM settings WHERE name = 'partitions'").get()?.value
  if (stored === undefined) {
    db.prepare("INSERT INTO settings VALUES ('partitions', ?)").run(wanted ?? DEFAULT_PARTITIONS)
    return wanted ?? DEFAULT_PARTITIONS
  }
  if (wanted === undefined || wanted === stored) return Number(stored)
  db.close()
  throw new LaresError(
    'invalid_config',
    `the log ${file} has ${stored} partitions, not ${wanted}: keys would change their partition; set it back to ${stored}`,
  )
}
