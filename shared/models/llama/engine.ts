import { availableParallelism } from 'node:os'
import type {
  ChatWrapper,
  Llama,
  LlamaContext,
  LlamaContextSequence,
  LlamaModel,
  Token,
} from 'node-llama-cpp'
import { LaresError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { loadOptional } from '../../base/optional-package.ts'
import type { FittedPrompt } from './prompt.ts'

export type LlamaEngineOptions = {
  modelFile: string
  threads: number
  contextTokens: number
  sequences: number
  log: Logger
}

/** A loaded model. Its sequences share the weights and are computed together. */
export type LlamaEngine = {
  model: LlamaModel
  wrapper: ChatWrapper
  contextTokens: number
  threads: number
  /** Resolves to true if the model ended its answer itself. A sequence has one chat at a time. */
  chat(sequence: number, prompt: FittedPrompt, options: ChatOptions): Promise<{ complete: boolean }>
  dispose(): Promise<void>
}

export type ChatOptions = {
  maxTokens: number
  temperature: number
  topP: number
  repeatPenalty: { lastTokens: number; penalty: number }
  seed?: number | undefined
  signal: AbortSignal
  onTextChunk(text: string): void
  onToken(tokens: number[]): void
}

/** Takes about half a second on a small machine. */
const promptChunkTokens = 128

/**
 * Leaves one core to other work, because the threads spin while they wait for each other. On a busy machine with two
 * cores, two threads were measured a hundred times slower than one. More than four threads make a small model no
 * faster.
 */
export function defaultThreads(): number {
  return Math.max(1, Math.min(4, availableParallelism() - 1))
}

/** Loads the library and the model. Errors: `unavailable` with the reason and the remedy. */
export async function loadLlamaEngine(options: LlamaEngineOptions): Promise<LlamaEngine> {
  try {
    return await load(options)
  } catch (cause) {
    if (cause instanceof LaresError && cause.code === 'invalid_config') throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `the model ${options.modelFile} cannot be loaded: ${reason}. Or use a model server: set OPENAI_BASE_URL`
    // An unsuitable file or machine will not improve in a minute, and the person waits.
    throw new LaresError('unavailable', message, { cause, retryable: false })
  }
}

async function load({
  modelFile,
  threads,
  contextTokens,
  sequences,
  log,
}: LlamaEngineOptions): Promise<LlamaEngine> {
  const startedAt = performance.now()
  const library = await loadOptional(() => import('node-llama-cpp'))
  const llama = await library.getLlama({
    // The binaries come with npm packages; building one here would need a compiler and take minutes.
    build: 'never',
    skipDownload: true,
    gpu: false,
    maxThreads: threads,
    logLevel: library.LlamaLogLevel.error,
    logger: (_level, message) => log.warn({ library: 'llama.cpp' }, message.trim()),
  })
  const model = await llama.loadModel({ modelPath: modelFile })
  const context = await model.createContext({
    contextSize: Math.min(contextTokens, model.trainContextSize),
    sequences,
    // Two threads on one physical core slow each other down.
    threads: Math.max(1, Math.min(threads, llama.cpuMathCores)),
  })
  log.info({ model: modelFile, ms: Math.round(performance.now() - startedAt) }, 'loaded the model')
  return createEngine(library, { llama, model, context, log })
}

type LoadedModel = { llama: Llama; model: LlamaModel; context: LlamaContext; log: Logger }

function createEngine(
  library: typeof import('node-llama-cpp'),
  { llama, model, context, log }: LoadedModel,
): LlamaEngine {
  const wrapper = library.resolveChatWrapper(model)
  const sequences = Array.from({ length: context.totalSequences }, () => context.getSequence())

  async function chat(at: number, { history, tokens }: FittedPrompt, options: ChatOptions) {
    const sequence = sequences[at]!
    await readPrompt(sequence, tokens, options.signal)
    const chat = new library.LlamaChat({ contextSequence: sequence, chatWrapper: wrapper })
    try {
      const { metadata } = await chat.generateResponse(history, options)
      return { complete: metadata.stopReason !== 'maxTokens' }
    } finally {
      chat.dispose({ disposeSequence: false })
    }
  }

  async function dispose(): Promise<void> {
    await context.dispose()
    await model.dispose()
    await llama.dispose()
    log.info({}, 'the model left the memory')
  }

  return { model, wrapper, contextTokens: context.contextSize, threads: context.idealThreads, chat, dispose }
}

/**
 * Reads a prompt in parts, because the library would read all of it even after its signal is aborted. The sequence
 * skips the beginning that it shares with the previous prompt.
 */
async function readPrompt(
  sequence: LlamaContextSequence,
  tokens: Token[],
  signal: AbortSignal,
): Promise<void> {
  await sequence.adaptStateToTokens(tokens)
  // The last token remains, so that the answer begins with it.
  while (sequence.nextTokenIndex < tokens.length - 1) {
    signal.throwIfAborted()
    const from = sequence.nextTokenIndex
    await sequence.evaluateWithoutGeneratingNewTokens(
      tokens.slice(from, Math.min(from + promptChunkTokens, tokens.length - 1)),
    )
  }
}
