import { access, constants } from 'node:fs/promises'
import { basename } from 'node:path'
import { createAsyncQueue } from '../../base/concurrency/async-queue.ts'
import { cancellationError } from '../../base/concurrency/cancellation.ts'
import { createSemaphore } from '../../base/concurrency/semaphore.ts'
import { LaresError, toLaresError } from '../../base/errors.ts'
import { type Logger, silentLogger } from '../../base/log.ts'
import type { GenerateChunk, GenerateRequest, TextGenerator } from '../models.ts'
import { defaultThreads, type LlamaEngine, loadLlamaEngine } from './engine.ts'
import { fitPrompt } from './prompt.ts'
import { createRefCountedResource } from './resident-model.ts'

export type LlamaOptions = {
  modelFile: string
  /**
   * The most threads, and never more than the machine's physical cores. Default: one fewer than the cores, at most 4.
   */
  threads?: number
  /** The context of one answer, including its prompt. Default 2048. */
  contextTokens?: number
  /** After this time without a request the model is unloaded until the next request. Default 15 minutes. */
  idleUnloadMs?: number
  /** The number of answers computed at once. Default 2. */
  parallel?: number
  /** The most requests that wait for their turn; further ones are refused with `busy`. Default 64. */
  maxWaiting?: number
  log?: Logger
}

/** The part of the context that a prompt leaves for its answer. */
const answerShare = 0.25

/** A model of this size answers best with its most likely tokens; with sampling it soon produces nonsense. */
const defaultTemperature = 0
const topP = 0.9
/** Without this penalty the model repeats itself and does not end. */
const repeatPenalty = { lastTokens: 64, penalty: 1.1 }
const maxAnswerTokens = 320

/** Runs a model in this process, by llama.cpp. The library and the model load at their first use. */
export function openLlamaModels(options: LlamaOptions): TextGenerator {
  const { modelFile, contextTokens = 2048, parallel = 2, maxWaiting = 64, log = silentLogger } = options
  const { threads = defaultThreads(), idleUnloadMs = 15 * 60_000 } = options
  const name = basename(modelFile, '.gguf')
  const semaphore = createSemaphore(parallel, maxWaiting)
  const settings = { modelFile, threads, contextTokens, sequences: parallel, log }
  const engineResource = createRefCountedResource(() => loadLlamaEngine(settings), idleUnloadMs)
  const closing = new AbortController()

  async function* generate(
    _task: 'text-generation',
    request: GenerateRequest,
  ): AsyncGenerator<GenerateChunk> {
    const signal = AbortSignal.any([closing.signal, ...(request.signal ? [request.signal] : [])])
    const slot = await semaphore.acquire(signal)
    try {
      yield* streamAnswer(await engineResource.acquire(), name, slot, request, signal)
    } catch (error) {
      throw signal.aborted ? cancellationError(signal) : toLaresError(error)
    } finally {
      engineResource.release()
      semaphore.release(slot)
    }
  }

  async function check(): Promise<void> {
    await access(modelFile, constants.R_OK).catch(cause => {
      const remedy = 'Set LARES_MODEL to a .gguf file, or OPENAI_BASE_URL to a model server'
      throw new LaresError('unavailable', `the model file ${modelFile} cannot be read. ${remedy}`, { cause })
    })
  }

  async function close(): Promise<void> {
    closing.abort(new LaresError('unavailable', 'the models are closed'))
    await engineResource.close()
  }

  return {
    generate,
    // A small model calls tools at random, so intent chooses skills instead.
    capabilities: async () => ({ model: name, tools: false, contextTokens }),
    check,
    close,
  }
}

/** Ends only when the model has stopped, even if the reader has left: the next chat may then use its sequence. */
async function* streamAnswer(
  engine: LlamaEngine,
  model: string,
  sequence: number,
  request: GenerateRequest,
  signal: AbortSignal,
): AsyncGenerator<GenerateChunk> {
  const maxPromptTokens = Math.floor(engine.contextTokens * (1 - answerShare))
  const prompt = fitPrompt(request.messages, maxPromptTokens, engine.wrapper, engine.model.tokenizer)
  const remainingTokens = engine.contextTokens - prompt.tokens.length - 1
  const textQueue = createAsyncQueue<string>()
  const readerLeft = new AbortController()
  let outputTokens = 0
  const chat = engine
    .chat(sequence, prompt, {
      maxTokens: Math.min(request.maxTokens ?? maxAnswerTokens, maxAnswerTokens, remainingTokens),
      temperature: request.temperature ?? defaultTemperature,
      topP,
      repeatPenalty,
      seed: request.seed,
      signal: AbortSignal.any([signal, readerLeft.signal]),
      onTextChunk: textQueue.push,
      onToken: tokens => {
        outputTokens += tokens.length
      },
    })
    .finally(textQueue.end)
  try {
    for await (const text of textQueue.read()) yield { kind: 'text', text }
    const { complete } = await chat
    const usage = { inputTokens: prompt.tokens.length, outputTokens }
    yield { kind: 'end', finishReason: complete ? 'stop' : 'length', usage, model }
  } finally {
    readerLeft.abort()
    await Promise.allSettled([chat])
  }
}
