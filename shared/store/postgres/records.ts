import type { Database, Query } from '../../base/postgres/database.ts'
import { countTerms } from '../search-terms.ts'
import type { JsonRecord, Records } from '../store.ts'

type RecordRow = Omit<JsonRecord, 'body'> & { body: string }

const toRecord = <T extends RecordRow>(row: T): Omit<T, 'body'> & { body: unknown } => ({
  ...row,
  body: JSON.parse(row.body),
})

/** Nobody asks with more words than this; further words would only cost time. */
const MAX_QUERY_WORDS = 256

const COLUMNS = 'd.id, d.person, d.text, d.body, d.created_at AS "createdAt"'
const KEY = 'collection = $1 AND person = $2 AND id = $3'
const GET = `SELECT ${COLUMNS} FROM lares.documents d WHERE ${KEY}`
const INSERT_ON_CONFLICT = `
  INSERT INTO lares.documents (collection, person, id, text, body, created_at, length) VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (collection, person, id) DO`
const INSERT = `${INSERT_ON_CONFLICT} NOTHING RETURNING number`
const UPSERT = `${INSERT_ON_CONFLICT} UPDATE SET text = excluded.text, body = excluded.body, length = excluded.length RETURNING number`
const UNINDEX = 'DELETE FROM lares.document_words WHERE document = $1'
const INDEX = `
  INSERT INTO lares.document_words (collection, person, document, length, word, count)
  SELECT $1, $2, $3, $4, w.word, w.count FROM unnest($5::text[], $6::integer[]) AS w (word, count)`
const DELETE = `DELETE FROM lares.documents WHERE ${KEY} RETURNING number`
const LIST = `
  SELECT ${COLUMNS} FROM lares.documents d
  WHERE collection = $1 AND person = $2 ORDER BY created_at DESC, number DESC LIMIT $3`
const COUNT = 'SELECT count(*)::integer AS count FROM lares.documents WHERE collection = $1 AND person = $2'

/**
 * BM25 (k1 1.2, b 0.75, as in FTS5) over this person's records in this collection; its idf is Lucene's, never below 0.
 */
const SEARCH = `
  WITH corpus AS MATERIALIZED (
    SELECT count(*) AS documents, coalesce(avg(length), 1) AS length
    FROM lares.documents WHERE collection = $1 AND person = $2
  ), found AS (
    SELECT document, count, length, count(*) OVER (PARTITION BY word) AS holders
    FROM lares.document_words WHERE collection = $1 AND person = $2 AND word = ANY ($3::text[])
  ), best AS (
    SELECT f.document, sum(
      ln(1 + (c.documents - f.holders + 0.5) / (f.holders + 0.5))::double precision
      * f.count * 2.2 / (f.count + 1.2 * (0.25 + 0.75 * f.length / c.length::double precision))) AS score
    FROM found f, corpus c GROUP BY f.document ORDER BY score DESC, document DESC LIMIT $4
  )
  SELECT ${COLUMNS}, b.score FROM best b JOIN lares.documents d ON d.number = b.document ORDER BY b.score DESC, d.number DESC`

/** Records, and an inverted index of their words by collection and person. A search reads this index alone. */
export function postgresRecords(database: Database): Records {
  const { query } = database
  const write = (statement: string, collection: string, document: JsonRecord) =>
    database.transaction(async transactionQuery => {
      const { person, id, text, body, createdAt } = document
      const words = countTerms(text)
      const length = [...words.values()].reduce((sum, count) => sum + count, 0)
      const values = [collection, person, id, text, JSON.stringify(body), createdAt, length]
      const [inserted] = await transactionQuery<{ number: number }>(statement, values)
      if (inserted)
        await reindex(transactionQuery, collection, person, { number: inserted.number, length, words })
      return inserted !== undefined
    })
  return {
    async put(collection, document) {
      await write(UPSERT, collection, document)
    },
    insert: (collection, document) => write(INSERT, collection, document),
    async get({ collection, person, id }) {
      const [row] = await query<RecordRow>(GET, [collection, person, id])
      return row && toRecord(row)
    },
    async delete({ collection, person, id }) {
      return (await query(DELETE, [collection, person, id])).length > 0
    },
    list: async ({ collection, person, limit }) =>
      (await query<RecordRow>(LIST, [collection, person, limit])).map(toRecord),
    async count({ collection, person }) {
      return (await query<{ count: number }>(COUNT, [collection, person]))[0]!.count
    },
    async search({ collection, person, query: question, limit }) {
      const words = [...countTerms(question).keys()].slice(0, MAX_QUERY_WORDS)
      if (words.length === 0) return []
      return (await query<RecordRow & { score: number }>(SEARCH, [collection, person, words, limit])).map(
        toRecord,
      )
    },
  }
}

async function reindex(
  query: Query,
  collection: string,
  person: string,
  { number, length, words }: { number: number; length: number; words: Map<string, number> },
): Promise<void> {
  await query(UNINDEX, [number])
  await query(INDEX, [collection, person, number, length, [...words.keys()], [...words.values()]])
}
