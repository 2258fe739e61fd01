import { createHash } from 'node:crypto'
import { openDatabase } from '../../../shared/base/sqlite/database.ts'
import type { Embedder, EmbeddingKind } from '../../../shared/models/models.ts'

const TABLE = 'CREATE TABLE vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID'
/** Texts are embedded and kept in parts of this size, so that what was made is there after a run that was stopped. */
const PART = 512
/** A text by itself always gets the same vector, so another one means that another model bears the name. */
const PROBE = 'Which of the two boats is ours?'
const MIN_SAME = 0.999999

export type KeptVectors = Pick<Embedder, 'embed'> & { close(): void }

/**
 * Embeddings that are made once and kept in a file, by model, kind and text. Vectors of a model that has changed
 * under its name are dropped, which `say` is told.
 */
export async function openKeptVectors(
  file: string,
  embedder: Embedder,
  say: (line: string) => void,
): Promise<KeptVectors> {
  const { model, vectors } = await embedder.embed([PROBE], 'query')
  const database = openDatabase(file, [TABLE])
  const keyOf = (text: string, kind: EmbeddingKind) =>
    createHash('sha256').update(`${model}\n${kind}\n${text}`).digest('base64url')
  const select = database.prepare('SELECT vector FROM vectors WHERE key = ?')
  const insert = database.prepare('INSERT OR REPLACE INTO vectors VALUES (?, ?)')
  const keptOf = (text: string, kind: EmbeddingKind) => {
    const row = select.get(keyOf(text, kind)) as { vector: Uint8Array } | undefined
    return row && new Float32Array(Uint8Array.from(row.vector).buffer)
  }
  const keep = (texts: readonly string[], kind: EmbeddingKind, made: readonly Float32Array[]) => {
    database.exec('BEGIN')
    texts.forEach(
      (text, at) => void insert.run(keyOf(text, kind), new Uint8Array(Float32Array.from(made[at]!).buffer)),
    )
    database.exec('COMMIT')
  }

  const before = keptOf(PROBE, 'query')
  if (before && cosine(before, vectors[0]!) < MIN_SAME) {
    say(`${model} gives other vectors than those that were kept: all are made anew`)
    database.exec('DELETE FROM vectors')
  }
  keep([PROBE], 'query', vectors)

  async function make(texts: readonly string[], kind: EmbeddingKind): Promise<void> {
    for (let from = 0; from < texts.length; from += PART) {
      const part = texts.slice(from, from + PART)
      keep(part, kind, (await embedder.embed(part, kind)).vectors)
      if (texts.length > PART) say(`embedded ${from + part.length} of ${texts.length}`)
    }
  }

  return {
    async embed(texts, kind) {
      await make(
        [...new Set(texts)].filter(text => !keptOf(text, kind)),
        kind,
      )
      return { model, vectors: texts.map(text => keptOf(text, kind)!) }
    },
    close: () => database.close(),
  }
}

/** Both are of length 1. */
const cosine = (a: Float32Array, b: Float32Array): number =>
  a.length === b.length ? a.reduce((sum, value, i) => sum + value * b[i]!, 0) : 0
