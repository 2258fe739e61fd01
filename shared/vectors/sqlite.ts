import type { DatabaseSync } from 'node:sqlite'
import { load } from 'sqlite-vec'
import { LaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createGroupCommit, type GroupCommit, openDatabase } from '../base/sqlite/database.ts'
import { type EmbeddingModel, requireValidVector, type VectorIndex, type Vectors } from './vectors.ts'

/**
 * One table in the order of its key: a person's vectors lie together, and a search reads only those. The vec0 table of
 * sqlite-vec would reserve a block of at least 8 vectors for each person. It is no faster with as many vectors as
 * people have.
 */
export const migrations = [
  `CREATE TABLE models (
     number INTEGER PRIMARY KEY, id TEXT NOT NULL, dimensions INTEGER NOT NULL, UNIQUE (id, dimensions)) STRICT;
   CREATE TABLE vectors (
     model INTEGER NOT NULL REFERENCES models, person TEXT NOT NULL, id TEXT NOT NULL, vector BLOB NOT NULL,
     PRIMARY KEY (model, person, id)) STRICT, WITHOUT ROWID`,
]

/** Opens the vectors in one file. Errors: `unavailable`. */
export function openSqliteVectors(file: string, log?: Logger): Vectors {
  const database = openDatabase(file, migrations, { allowExtension: true, log })
  load(database)
  database.enableLoadExtension(false)
  // SQLite overwrites deleted content with zeros: a vector reveals something of its text.
  database.exec('PRAGMA secure_delete = ON')
  const commits = createGroupCommit(database)
  const findModel = database.prepare('SELECT number FROM models WHERE id = ? AND dimensions = ?')
  const insertModel = database.prepare(
    'INSERT INTO models (id, dimensions) VALUES (?, ?) ON CONFLICT DO NOTHING',
  )
  const numberOf = ({ id, dimensions }: EmbeddingModel) =>
    (findModel.get(id, dimensions) as { number: number } | undefined)?.number
  const openIndex = openIndexes(database, commits)
  return {
    async index(model) {
      await commits.run(() => insertModel.run(model.id, model.dimensions))
      return openIndex(model, numberOf(model)!)
    },
    async models() {
      return database.prepare('SELECT id, dimensions FROM models ORDER BY number').all() as EmbeddingModel[]
    },
    async drop(model) {
      await commits.run(() => {
        const number = numberOf(model)
        if (number === undefined) return
        database.prepare('DELETE FROM vectors WHERE model = ?').run(number)
        database.prepare('DELETE FROM models WHERE number = ?').run(number)
      })
    },
    async erase(person) {
      const count = await commits.run(() => {
        const numbers = database.prepare('SELECT number FROM models').all() as { number: number }[]
        const forget = database.prepare('DELETE FROM vectors WHERE model = ? AND person = ?')
        return numbers.reduce((sum, { number }) => sum + Number(forget.run(number, person).changes), 0)
      })
      // Until this checkpoint the write-ahead log holds the earlier pages.
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      return count
    },
    async check() {
      await commits
        .run(() => database.exec('UPDATE models SET id = id'))
        .catch(cause => {
          throw new LaresError('unavailable', `the vectors in ${file} cannot be written: ${cause.message}`, {
            cause,
          })
        })
    },
    async close() {
      await commits.run(() => undefined)
      database.close()
    },
  }
}

const PAGE_SIZE = 500

/** The vectors of one model; its statements are prepared once for all models. */
function openIndexes(database: DatabaseSync, commits: GroupCommit) {
  const upsert = database.prepare(
    'INSERT OR REPLACE INTO vectors (model, person, id, vector) VALUES (?, ?, ?, ?)',
  )
  const search = database.prepare(
    `SELECT id, 1 - vec_distance_cosine(vector, ?) AS score FROM vectors
     WHERE model = ? AND person = ? ORDER BY score DESC, id LIMIT ?`,
  )
  const page = database.prepare(
    `SELECT person, id, vector FROM vectors WHERE model = ? AND person = ? AND id > ? ORDER BY id LIMIT ${PAGE_SIZE}`,
  )
  const remove = database.prepare('DELETE FROM vectors WHERE model = ? AND person = ? AND id = ?')
  const countAll = database.prepare('SELECT count(*) AS count FROM vectors WHERE model = ?')
  const countOf = database.prepare('SELECT count(*) AS count FROM vectors WHERE model = ? AND person = ?')
  return (model: EmbeddingModel, number: number): VectorIndex => ({
    async upsert(entries) {
      for (const { values } of entries) requireValidVector(values, model)
      await commits.run(() => {
        for (const { person, id, values } of entries) upsert.run(number, person, id, bytesOf(values))
      })
    },
    async search({ person, values, limit }) {
      requireValidVector(values, model)
      return search.all(bytesOf(values), number, person, limit) as { id: string; score: number }[]
    },
    async *read(person) {
      for (let after = ''; ; ) {
        const rows = page.all(number, person, after) as { person: string; id: string; vector: Uint8Array }[]
        for (const { vector, ...row } of rows) yield { ...row, values: numbersOf(vector) }
        if (rows.length < PAGE_SIZE) return
        after = rows.at(-1)!.id
      }
    },
    async delete(person, ids) {
      await commits.run(() => {
        for (const id of ids) remove.run(number, person, id)
      })
    },
    async count(person) {
      const row = person === undefined ? countAll.get(number) : countOf.get(number, person)
      return (row as { count: number }).count
    },
  })
}

/** A copy: the driver's bytes may begin at an offset that is not aligned for numbers. */
const numbersOf = (bytes: Uint8Array) => new Float32Array(new Uint8Array(bytes).buffer)

const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
