import type { TextGenerator } from './models.ts'

/**
 * Models that open at their first use, so that an assistant starts without its model. A failed opening is retried at
 * the next use.
 */
export function lazyTextGenerator(open: () => Promise<TextGenerator>): TextGenerator {
  let opened: Promise<TextGenerator> | undefined
  const generator = (): Promise<TextGenerator> => {
    opened ??= open().catch(error => {
      opened = undefined
      throw error
    })
    return opened
  }
  return {
    async *generate(task, request) {
      yield* (await generator()).generate(task, request)
    },
    capabilities: async task => (await generator()).capabilities(task),
    check: async () => (await generator()).check(),
    close: async () => (await opened)?.close(),
  }
}
