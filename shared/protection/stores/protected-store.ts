import { LaresError } from '../../base/errors.ts'
import type { StepRequest, Store } from '../../store/store.ts'
import { aadOf, sealJson, unsealText } from '../associated-data.ts'
import { type DataKey, decodeEnvelope, keyIdOf, unseal } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { protectedHistory, sealMessage } from './protected-history.ts'
import { protectedRecords } from './protected-records.ts'
import { aadOfState, protectedRows } from './protected-rows.ts'
import { protectedTimers } from './protected-timers.ts'

/**
 * Any driver's store, with its content encrypted by its owner's key. Errors in addition to the driver's: `forgotten` for a
 * write of a person without a key. Only `rows.write`, which moves an instance, creates one.
 */
export function protectedStore(inner: Store, keys: Keys): Store {
  return {
    ...inner,
    step: request => protectedStep(inner, keys, request),
    history: protectedHistory(inner.history, keys),
    records: protectedRecords(inner.records, keys),
    timers: protectedTimers(inner.timers, keys),
    rows: protectedRows(inner.rows, keys),
  }
}

const aadOfOutcome = (eventId: string) => aadOf('outcome', eventId)

/** A transaction cannot wait for a key: it is undone, and begins anew with the key. */
class MissingKeyError extends Error {
  readonly id: string
  constructor(id: string) {
    super(`the key ${id} is wanted`)
    this.id = id
  }
}

async function protectedStep<State, Outcome>(
  inner: Store,
  keys: Keys,
  request: StepRequest<State, Outcome>,
): Promise<Outcome> {
  const { conversation, eventId } = request
  const key = await keys.require(request.person)
  const loadedKeys = new Map<string, DataKey | undefined>([[key.id, key]])
  const apply = (stored: unknown) => {
    const { state, messages, outcome, modelCalls } = request.apply(
      unsealState(stored, conversation, loadedKeys),
    )
    return {
      state: sealJson(key, aadOfState(conversation), state),
      messages: messages.map(message => sealMessage(key, message)),
      outcome: sealJson(key, aadOfOutcome(eventId), outcome),
      modelCalls,
    }
  }
  for (;;) {
    try {
      const sealed = await inner.step<unknown, string>({ ...request, apply })
      return await unsealOutcome(keys, eventId, sealed)
    } catch (error) {
      if (!(error instanceof MissingKeyError)) throw error
      loadedKeys.set(error.id, await keys.byId(error.id))
    }
  }
}

/** A state whose key was destroyed is forgotten: there is none. */
function unsealState<State>(
  stored: unknown,
  conversation: string,
  loadedKeys: Map<string, DataKey | undefined>,
): State | undefined {
  if (stored === undefined) return undefined
  const aad = aadOfState(conversation)
  const sealed = decodeEnvelope(stored, aad)
  const id = keyIdOf(sealed, aad)
  if (!loadedKeys.has(id)) throw new MissingKeyError(id)
  const key = loadedKeys.get(id)
  return key && JSON.parse(unseal(key, aad, sealed).toString())
}

async function unsealOutcome<Outcome>(keys: Keys, eventId: string, sealed: string): Promise<Outcome> {
  const outcome = await unsealText(keys, aadOfOutcome(eventId), sealed)
  if (outcome !== undefined) return JSON.parse(outcome)
  throw new LaresError('forgotten', `what event ${eventId} led to is forgotten`)
}
