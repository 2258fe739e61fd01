import { LaresError } from '../../base/errors.ts'
import type { Conversations, StepRequest } from '../../store/store.ts'
import { openText, placeOf, sealJson } from '../associated-data.ts'
import { type DataKey, keyIdOf, open, unpack } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { protectedHistory, sealMessage } from './protected-history.ts'
import { protectedDocuments } from './protected-records.ts'
import { placeOfState, protectedRows } from './protected-rows.ts'
import { protectedTimers } from './protected-timers.ts'

/**
 * Any driver's store, with its content encrypted by the key of the person whose it is. Errors besides the driver's: `forgotten`
 * of whatever writes for somebody without a key; only `rows.write`, for those who move a house, makes one.
 */
export function protectedConversations(inner: Conversations, keys: Keys): Conversations {
  return {
    ...inner,
    step: request => step(inner, keys, request),
    history: protectedHistory(inner.history, keys),
    documents: protectedDocuments(inner.documents, keys),
    timers: protectedTimers(inner.timers, keys),
    rows: protectedRows(inner.rows, keys),
  }
}

const placeOfOutcome = (eventId: string) => placeOf('outcome', eventId)

/** A transaction cannot wait for a key: it is undone, and begins anew with the key. */
class KeyWanted extends Error {
  readonly id: string
  constructor(id: string) {
    super(`the key ${id} is wanted`)
    this.id = id
  }
}

async function step<State, Outcome>(
  inner: Conversations,
  keys: Keys,
  request: StepRequest<State, Outcome>,
): Promise<Outcome> {
  const { conversation, eventId } = request
  const key = await keys.ofKnown(request.person)
  const brought = new Map<string, DataKey | undefined>([[key.id, key]])
  const apply = (stored: unknown) => {
    const { state, messages, outcome, modelCalls } = request.apply(stateIn(stored, conversation, brought))
    return {
      state: sealJson(key, placeOfState(conversation), state),
      messages: messages.map(message => sealMessage(key, message)),
      outcome: sealJson(key, placeOfOutcome(eventId), outcome),
      modelCalls,
    }
  }
  for (;;) {
    try {
      const sealed = await inner.step<unknown, string>({ ...request, apply })
      return await outcomeIn(keys, eventId, sealed)
    } catch (error) {
      if (!(error instanceof KeyWanted)) throw error
      brought.set(error.id, await keys.byId(error.id))
    }
  }
}

/** A state whose key was destroyed is forgotten: there is none. */
function stateIn<State>(
  stored: unknown,
  conversation: string,
  brought: Map<string, DataKey | undefined>,
): State | undefined {
  if (stored === undefined) return undefined
  const place = placeOfState(conversation)
  const sealed = unpack(stored, place)
  const id = keyIdOf(sealed, place)
  if (!brought.has(id)) throw new KeyWanted(id)
  const key = brought.get(id)
  return key && JSON.parse(open(key, place, sealed).toString())
}

async function outcomeIn<Outcome>(keys: Keys, eventId: string, sealed: string): Promise<Outcome> {
  const outcome = await openText(keys, placeOfOutcome(eventId), sealed)
  if (outcome !== undefined) return JSON.parse(outcome)
  throw new LaresError('forgotten', `what event ${eventId} led to is forgotten`)
}
