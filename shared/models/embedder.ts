import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Environment } from '../config/environment.ts'
import type { Embedder } from './models.ts'

/**
 * The embedding model that the environment chooses: the built-in one, a server's, or none. The model is loaded or
 * fetched at its first use.
 */
export function openEmbedder({ embeddingModel, openai, cacheDirectory }: Environment, log: Logger): Embedder {
  let opened: Promise<Embedder> | undefined
  const open = async (): Promise<Embedder> => {
    if (embeddingModel === 'none') return disabledEmbedder
    if (embeddingModel !== undefined) {
      const { openOpenAIEmbeddings } = await import('./openai/embeddings.ts')
      return openOpenAIEmbeddings({ ...openai!, model: embeddingModel })
    }
    const [{ openMe5 }, { ensureMe5Folder }] = await Promise.all([
      import('./e5/e5.ts'),
      import('./e5/model-folder.ts'),
    ])
    const folder = () => ensureMe5Folder({ cacheDir: join(cacheDirectory, 'models'), log })
    return openMe5({ folder, log })
  }
  return {
    async embed(texts, kind, signal) {
      opened ??= open()
      return (await opened).embed(texts, kind, signal)
    },
    close: async () => (await opened)?.close(),
  }
}

/** For LARES_EMBEDDING_MODEL=none. */
const disabledEmbedder: Embedder = {
  embed: async () => {
    throw new LaresError('rejected', 'LARES_EMBEDDING_MODEL is none: words alone are compared')
  },
  close: async () => undefined,
}
