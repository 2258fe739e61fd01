import type { InitContext } from '#shared/contract/context.ts'
import { type ModelCapabilities, openModelCapabilities } from '#shared/models/model-capabilities.ts'
import { type DenseIndexState, newDenseIndexState } from './documents/dense-retrieval.ts'
import { type DocumentReader, openDocumentReader } from './readers/document-reader.ts'
import { openSemanticIndex, type SemanticIndex } from './semantic-recall.ts'

/** The state of a memory process between events. It can be rebuilt at any time. */
export type MemoryState = {
  semanticIndex: SemanticIndex
  denseIndex: DenseIndexState
  capabilities: ModelCapabilities
  reader: DocumentReader
}

export const openMemoryState = ({
  vectors,
  models,
  ...tools
}: InitContext<'vectors' | 'models'>): MemoryState => ({
  semanticIndex: openSemanticIndex(vectors),
  denseIndex: newDenseIndexState(),
  capabilities: openModelCapabilities(models, tools),
  reader: openDocumentReader(),
})
