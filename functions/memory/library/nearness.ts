import { toLaresError } from '../../../shared/errors.ts'
import { forgetVectors } from '../../../shared/memories/memories.ts'
import type { Space, Vectors } from '../../../shared/vectors/vectors.ts'
import { allHeld, type Held, held, idsOf, passages, type Tools } from './store.ts'

const BATCH = 16
/** How long to leave the embeddings alone after they failed. */
const RETRY_MS = 60_000
/** Passages have a space of their own: memories are looked for among memories alone. */
const spaceOf = (model: string): string => `${model}/passages`

type State = {
  space?: Space
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
 * Passages of a person that are near to a text in meaning, the nearest first. Nobody waits for embeddings that are not there
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
  if (!state.space) return []
  try {
    const asked = await tools.models.embed([text], 'query', tools.signal)
    return await state.space.search({ person, values: asked.vectors[0]!, limit })
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
      const { model, vectors: sample } = await models.embed(['what does it say?'], 'query')
      state.space = await vectors.space({ id: spaceOf(model), dimensions: sample[0]!.length })
    } finally {
      delete state.beginning
    }
  })()
  await state.beginning
}

async function catchUp(person: string, space: Space, tools: Tools): Promise<void> {
  const all = await allHeld(tools.documents, person)
  if ((await space.count(person)) === all.reduce((sum, one) => sum + one.passages, 0)) return
  const known = new Set<string>()
  for await (const { id } of space.read(person)) known.add(id)
  const wanted = new Set(all.flatMap(idsOf))
  const gone = [...known].filter(id => !wanted.has(id))
  if (gone.length > 0) await forgetVectors(tools.vectors, person, gone)
  for (const one of all) await embed(one, person, known, space, tools)
}

async function embed(
  one: Held,
  person: string,
  known: Set<string>,
  space: Space,
  tools: Tools,
): Promise<void> {
  const missing = idsOf(one).filter(id => !known.has(id))
  for (let at = 0; at < missing.length; at += BATCH) {
    const batch = await passages(tools.documents, person, missing.slice(at, at + BATCH))
    if (batch.length === 0) return
    const texts = batch.map(({ text, place }) => `${place.section ?? ''}\n${text}`.trim())
    const made = await tools.models.embed(texts, 'passage')
    const entries = batch.map(({ id }, index) => ({ person, id, values: made.vectors[index]! }))
    await space.upsert(entries)
    // What was forgotten meanwhile must have no vector left.
    if (await held(tools.documents, person, one.id)) continue
    return await forgetVectors(
      tools.vectors,
      person,
      entries.map(({ id }) => id),
    )
  }
}
