import { createHash } from 'node:crypto'
import { openDatabase } from '../../../shared/base/sqlite/database.ts'
import type { Embedder, EmbeddingKind } from '../../../shared/models/models.ts'

const TABLE = 'CREATE TABLE vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID'
/** Texts are embedded and stored in parts of this size, so that an interrupted run keeps its finished parts. */
const BATCH_SIZE = 512
/** A text by itself always gets the same vector, so a different vector means a different model of that name. */
const PROBE_TEXT = 'Which of the two boats is ours?'
const MIN_PROBE_SIMILARITY = 0.999999

export type CachedEmbedder = Pick<Embedder, 'embed'> & { close(): void }

/**
 * Embeddings that are made once and kept in a file, by model, kind and text. Vectors of a model that has changed
 * under its name are dropped, which `say` is told.
 */
export async function openCachedEmbedder(
  file: string,
  embedder: Embedder,
  onProgress: (line: string) => void,
): Promise<CachedEmbedder> {
  const { model, vectors } = await embedder.embed([PROBE_TEXT], 'query')
  const database = openDatabase(file, [TABLE])
  const keyOf = (text: string, kind: EmbeddingKind) =>
    createHash('sha256').update(`${model}\n${kind}\n${text}`).digest('base64url')
  const select = database.prepare('SELECT vector FROM vectors WHERE key = ?')
  const insert = database.prepare('INSERT OR REPLACE INTO vectors VALUES (?, ?)')
  const cachedVector = (text: string, kind: EmbeddingKind) => {
    const row = select.get(keyOf(text, kind)) as { vector: Uint8Array } | undefined
    return row && new Float32Array(Uint8Array.from(row.vector).buffer)
  }
  const saveVectors = (texts: readonly string[], kind: EmbeddingKind, embedded: readonly Float32Array[]) => {
    database.exec('BEGIN')
    texts.forEach(
      (text, at) =>
        void insert.run(keyOf(text, kind), new Uint8Array(Float32Array.from(embedded[at]!).buffer)),
    )
    database.exec('COMMIT')
  }

  const cachedProbe = cachedVector(PROBE_TEXT, 'query')
  if (cachedProbe && cosine(cachedProbe, vectors[0]!) < MIN_PROBE_SIMILARITY) {
    onProgress(`${model} gives other vectors than those that were kept: all are made anew`)
    database.exec('DELETE FROM vectors')
  }
  saveVectors([PROBE_TEXT], 'query', vectors)

  async function embedMissing(texts: readonly string[], kind: EmbeddingKind): Promise<void> {
    for (let from = 0; from < texts.length; from += BATCH_SIZE) {
      const part = texts.slice(from, from + BATCH_SIZE)
      saveVectors(part, kind, (await embedder.embed(part, kind)).vectors)
      if (texts.length > BATCH_SIZE) onProgress(`embedded ${from + part.length} of ${texts.length}`)
    }
  }

  return {
    async embed(texts, kind) {
      await embedMissing(
        [...new Set(texts)].filter(text => !cachedVector(text, kind)),
        kind,
      )
      return { model, vectors: texts.map(text => cachedVector(text, kind)!) }
    },
    close: () => database.close(),
  }
}

/** Both are of length 1. */
const cosine = (a: Float32Array, b: Float32Array): number =>
  a.length === b.length ? a.reduce((sum, value, i) => sum + value * b[i]!, 0) : 0
