import { silentLogger } from '../../../shared/base/log.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { currentMemories } from '../../../shared/knowledge/memories.ts'
import { type EmbedTexts, syncMemoryVectors } from '../../../shared/knowledge/memory-vectors.ts'
import { passageModel, syncPassageVectors, vectorSpaceIds } from '../../../shared/knowledge/passages.ts'
import { openEmbedder } from '../../../shared/models/embedder.ts'
import type { EmbeddingModel } from '../../../shared/vectors/vectors.ts'
import { print, printJson, printToStderr } from '../terminal.ts'
import { type Stores, withStores } from './stores.ts'

type RebuildFlags = { json?: boolean; prune?: boolean }
type RebuildReport = {
  model: string
  people: number
  memories: number
  passages: number
  others: string[]
  pruned: string[]
}

const PROGRESS_INTERVAL_MS = 2_000

/**
 * `lares memory rebuild`: embeds the stored memories and passages of each person with the embedding model that the
 * environment names now. The assistant may run meanwhile, with this or another model. The command adds missing vectors
 * only, so it resumes an interrupted rebuild. The vectors of other models stay until `prune` removes them, for an
 * assistant that still uses one of them. Errors: those of the embeddings, as `unavailable`; `rejected` without an
 * embedding model.
 */
export async function rebuildMemories(environment: Environment, flags: RebuildFlags): Promise<number> {
  const embedder = openEmbedder(environment, silentLogger)
  try {
    const { model: id, vectors: sample } = await embedder.embed(['what do I like?'], 'query')
    const model = { id, dimensions: sample[0]!.length }
    const embed: EmbedTexts = async texts => (await embedder.embed(texts, 'passage')).vectors
    const report = await withStores(environment, stores => rebuildVectors(stores, model, embed, flags))
    if (flags.json) printJson(report)
    else printReport(report)
    return 0
  } finally {
    await embedder.close()
  }
}

async function rebuildVectors(
  { store, vectors }: Stores,
  model: EmbeddingModel,
  embed: EmbedTexts,
  { prune }: RebuildFlags,
): Promise<RebuildReport> {
  const { records } = store
  const [memoryIndex, passageIndex] = [await vectors.index(model), await vectors.index(passageModel(model))]
  const people = await store.rows.people()
  let [memories, passages] = [0, 0]
  let progressPrintedAt = performance.now()
  for (const [at, person] of people.entries()) {
    if (performance.now() - progressPrintedAt > PROGRESS_INTERVAL_MS) {
      printToStderr(`${at} of ${people.length} people: ${memories} memories and ${passages} passages`)
      progressPrintedAt = performance.now()
    }
    const read = () => currentMemories(records, person)
    memories += (await syncMemoryVectors({ space: memoryIndex, person, read, embed })).made
    passages += await syncPassageVectors({ records, vectors, space: passageIndex, person, embed })
  }
  const others = (await vectors.models()).filter(other => !vectorSpaceIds(model.id).includes(other.id))
  if (prune) for (const other of others) await vectors.drop(other)
  const ids = others.map(({ id }) => id)
  return {
    model: model.id,
    people: people.length,
    memories,
    passages,
    others: prune ? [] : ids,
    pruned: prune ? ids : [],
  }
}

function printReport({ model, people, memories, passages, others, pruned }: RebuildReport): void {
  print(`${model}: ${memories} memories and ${passages} passages of ${people} people were added`)
  if (pruned.length > 0) print(`removed: the vectors of ${pruned.join(', ')}`)
  if (others.length > 0)
    print(
      `kept: the vectors of ${others.join(', ')}; when nothing runs with that any more, lares memory rebuild --prune removes them`,
    )
}
