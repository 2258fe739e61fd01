import { toLaresError } from '#shared/base/errors.ts'
import { followPassages, passageModel } from '#shared/knowledge/passages.ts'
import { isChinese } from '#shared/language/detection.ts'
import type { Space, Vectors } from '#shared/vectors/vectors.ts'
import type { Tools } from './store.ts'

/** How long to leave the embeddings alone after they failed. */
const RETRY_MS = 60_000

/** What people say that no document is about. */
const GENERAL = {
  en: [
    'how are you today?',
    'tell me something funny',
    'what is the weather like?',
    'who was the first president?',
    'what shall we do this evening?',
    'how far is the moon?',
    'can you write a poem?',
    'which film is the best?',
    'good evening',
    'what does this word mean?',
  ],
  zh: [
    '你今天怎么样？',
    '给我说点有趣的',
    '天气怎么样？',
    '第一任总统是谁？',
    '今晚我们做什么？',
    '月亮有多远？',
    '你会写诗吗？',
    '哪部电影最好看？',
    '晚上好',
    '这个词是什么意思？',
  ],
} as const

type Ground = Record<keyof typeof GENERAL, Float32Array>
type State = {
  space?: Space
  ground?: Ground
  retryAt: number
  beginning?: Promise<void>
  following: Map<string, Promise<void>>
}

/** One for each store of vectors: what is known of it ends with it. */
const states = new WeakMap<Vectors, State>()

function stateOf(vectors: Vectors): State {
  const state = states.get(vectors) ?? { retryAt: 0, following: new Map() }
  states.set(vectors, state)
  return state
}

function failed(state: State, error: unknown, { log, now }: Tools): void {
  const { retryable } = toLaresError(error)
  delete state.space
  state.retryAt = retryable ? now() + RETRY_MS : Number.POSITIVE_INFINITY
  if (retryable) log.warn({ err: error }, 'no embeddings: passages are found by their words alone')
}

/**
 * Passages of a person that are near to a text in meaning, the nearest first. The score is how much nearer the text is than
 * what people generally say in its language: the cosine alone puts any two texts of one language near each other, and the
 * right passage in the other language behind all of them. Nobody waits for embeddings that are not there
 * yet, nor for the vectors of a document that was just read: those are made behind the answers, and until then words decide.
 */
export async function nearest(
  person: string,
  text: string,
  limit: number,
  tools: Tools,
): Promise<{ id: string; score: number }[]> {
  const state = stateOf(tools.vectors)
  void follow(person, tools)
  const { space, ground } = state
  if (!space || !ground) return []
  try {
    const asked = await tools.models.embed([text], 'query', tools.signal)
    const values = difference(asked.vectors[0]!, ground[isChinese(text) ? 'zh' : 'en'])
    const length = Math.hypot(...values)
    if (length === 0) return []
    const found = await space.search({ person, values, limit })
    return found.map(({ id, score }) => ({ id, score: score * length }))
  } catch (error) {
    if (tools.signal.aborted) throw error
    failed(state, error, tools)
    return []
  }
}

/** Makes the vectors of a person those of their passages, behind what is going on; one run for a person at a time. */
export function follow(person: string, tools: Tools): Promise<void> {
  const state = stateOf(tools.vectors)
  const running = state.following.get(person)
  if (running) return running
  if (tools.now() < state.retryAt) return Promise.resolve()
  const run = (async () => {
    try {
      await begin(state, tools)
      if (state.space) await catchUp(person, state.space, tools)
    } catch (error) {
      failed(state, error, tools)
    } finally {
      state.following.delete(person)
    }
  })()
  state.following.set(person, run)
  return run
}

async function begin(state: State, { models, vectors }: Tools): Promise<void> {
  if (state.space) return
  state.beginning ??= (async () => {
    try {
      const { model, vectors: made } = await models.embed([...GENERAL.en, ...GENERAL.zh], 'query')
      const { length } = GENERAL.en
      state.ground = { en: meanOf(made.slice(0, length)), zh: meanOf(made.slice(length)) }
      state.space = await vectors.space(passageModel({ id: model, dimensions: made[0]!.length }))
    } finally {
      delete state.beginning
    }
  })()
  await state.beginning
}

const meanOf = (all: Float32Array[]): Float32Array =>
  all[0]!.map((_, at) => all.reduce((sum, one) => sum + one[at]!, 0) / all.length)

const difference = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, at) => value - b[at]!)

async function catchUp(person: string, space: Space, { documents, vectors, models }: Tools): Promise<void> {
  const embed = async (texts: string[]) => (await models.embed(texts, 'passage')).vectors
  await followPassages({ documents, vectors, space, person, embed })
}
