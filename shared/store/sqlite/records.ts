import type { DatabaseSync } from 'node:sqlite'
import type { GroupCommit } from '../../base/sqlite/database.ts'
import { segment, uniqueWords } from '../segmentation.ts'
import type { JsonRecord, Records } from '../store.ts'

type RecordRow = { rowid: number; id: string; person: string; text: string; body: string; createdAt: string }

const COLUMNS = 'd.rowid, d.id, d.person, d.text, d.body, d.created_at AS createdAt'

const toRecord = ({ id, person, text, body, createdAt }: RecordRow): JsonRecord => ({
  id,
  person,
  text,
  body: JSON.parse(body),
  createdAt,
})

/** Nobody asks with more words than this; further words would only cost time. */
const MAX_QUERY_WORDS = 256

/** Matches any of the words. Each word is quoted, so that FTS5 never reads it as query syntax. */
const matchAnyWord = (query: string): string =>
  uniqueWords(query)
    .slice(0, MAX_QUERY_WORDS)
    .map(word => `"${word}"`)
    .join(' OR ')

export function sqliteRecords(database: DatabaseSync, commits: GroupCommit): Records {
  const get = database.prepare(
    `SELECT ${COLUMNS} FROM documents d WHERE collection = ? AND person = ? AND id = ?`,
  )
  const insert = database.prepare(
    `INSERT INTO documents (collection, person, id, text, body, created_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING RETURNING rowid`,
  )
  const update = database.prepare('UPDATE documents SET text = ?, body = ? WHERE rowid = ?')
  const remove = database.prepare('DELETE FROM documents WHERE rowid = ?')
  const index = database.prepare('INSERT INTO document_words (rowid, words) VALUES (?, ?)')
  const unindex = database.prepare('DELETE FROM document_words WHERE rowid = ?')
  const list = database.prepare(
    `SELECT ${COLUMNS} FROM documents d WHERE collection = ? AND person = ? ORDER BY created_at DESC, rowid DESC LIMIT ?`,
  )
  const count = database.prepare(
    'SELECT count(*) AS count FROM documents WHERE collection = ? AND person = ?',
  )
  const search = database.prepare(
    `SELECT ${COLUMNS}, -bm25(document_words) AS score FROM document_words w JOIN documents d ON d.rowid = w.rowid
     WHERE document_words MATCH ? AND d.collection = ? AND d.person = ? ORDER BY score DESC, d.rowid DESC LIMIT ?`,
  )
  const find = (collection: string, person: string, id: string) =>
    get.get(collection, person, id) as RecordRow | undefined
  const add = (collection: string, { person, id, text, body, createdAt }: JsonRecord): boolean => {
    const inserted = insert.get(collection, person, id, text, JSON.stringify(body), createdAt) as
      | { rowid: number }
      | undefined
    if (inserted) index.run(inserted.rowid, segment(text))
    return inserted !== undefined
  }
  const replace = (row: RecordRow, document: JsonRecord) => {
    update.run(document.text, JSON.stringify(document.body), row.rowid)
    unindex.run(row.rowid)
    index.run(row.rowid, segment(document.text))
  }
  return {
    put: (collection, document) =>
      commits.run(() => {
        const row = find(collection, document.person, document.id)
        if (row) replace(row, document)
        else add(collection, document)
      }),
    insert: (collection, document) => commits.run(() => add(collection, document)),
    async get({ collection, person, id }) {
      const row = find(collection, person, id)
      return row && toRecord(row)
    },
    delete: ({ collection, person, id }) =>
      commits.run(() => {
        const row = find(collection, person, id)
        if (!row) return false
        remove.run(row.rowid)
        unindex.run(row.rowid)
        return true
      }),
    list: async ({ collection, person, limit }) =>
      (list.all(collection, person, limit) as RecordRow[]).map(toRecord),
    count: async ({ collection, person }) => (count.get(collection, person) as { count: number }).count,
    async search({ collection, person, query, limit }) {
      const match = matchAnyWord(query)
      if (match === '') return []
      const rows = search.all(match, collection, person, limit) as (RecordRow & { score: number })[]
      return rows.map(row => ({ ...toRecord(row), score: row.score }))
    },
  }
}
