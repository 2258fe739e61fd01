import { LaresError } from '../../base/errors.ts'
import { isGroup, keyOwnerOf } from '../../contract/events/address.ts'
import type { MessageWrite, StepRequest, Store } from '../../store/store.ts'
import { aadOf, sealJson, unsealText } from '../associated-data.ts'
import { type DataKey, decodeEnvelope, keyIdOf, unseal } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { type KeyReader, sealParts, unsealParts, unsealPartsWith } from '../sealed-parts.ts'
import { protectedHistory, sealMessage } from './protected-history.ts'
import { protectedRecords } from './protected-records.ts'
import { aadOfState, protectedRows } from './protected-rows.ts'
import { protectedTimers } from './protected-timers.ts'

/**
 * Wraps any driver's store, and encrypts its content with its owner's key. Errors in addition to the driver's:
 * `forgotten` for a write of a person without a key. Only `rows.write`, which moves an instance, creates one.
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

/** A transaction cannot wait for a key: it rolls back, and starts again with the key. */
class MissingKeyError extends Error {
  readonly wanted: { person: string } | { id: string }
  constructor(wanted: { person: string } | { id: string }) {
    super('a key is wanted')
    this.wanted = wanted
  }
}

/** The keys that a step has loaded. */
function openLoadedKeys(keys: Keys, own: DataKey) {
  const byId = new Map<string, DataKey | undefined>([[own.id, own]])
  const byPerson = new Map<string, DataKey | undefined>([[own.person, own]])
  const read: KeyReader = wanted => {
    const [map, name] = 'id' in wanted ? [byId, wanted.id] : [byPerson, wanted.person]
    if (!map.has(name)) throw new MissingKeyError(wanted)
    return map.get(name)
  }
  return {
    read,
    async load(wanted: { person: string } | { id: string }) {
      if ('id' in wanted) byId.set(wanted.id, await keys.byId(wanted.id))
      else byPerson.set(wanted.person, await keys.find(wanted.person))
    },
  }
}

async function protectedStep<State, Outcome>(
  inner: Store,
  keys: Keys,
  request: StepRequest<State, Outcome>,
): Promise<Outcome> {
  const { conversation, eventId } = request
  const key = await keys.require(request.person)
  const loaded = openLoadedKeys(keys, key)
  const isOfGroup = isGroup(request.person)
  const seal = (aad: string, value: unknown) =>
    sealJson(key, aad, isOfGroup ? sealParts(value, aad, loaded.read) : value)
  // Messages of a member who was forgotten meanwhile are not written.
  const sealRow = (message: MessageWrite): MessageWrite[] => {
    const rowKey = loaded.read({ person: keyOwnerOf(request.person, message.sender) })
    return rowKey ? [sealMessage(rowKey, message)] : []
  }
  const apply = (stored: unknown) => {
    const { state, messages, outcome, modelCalls } = request.apply(
      unsealState(stored, conversation, loaded.read),
    )
    return {
      state: seal(aadOfState(conversation), state),
      messages: messages.flatMap(sealRow),
      outcome: seal(aadOfOutcome(eventId), outcome),
      modelCalls,
    }
  }
  for (;;) {
    try {
      const sealed = await inner.step<unknown, string>({ ...request, apply })
      return await unsealOutcome(keys, eventId, sealed)
    } catch (error) {
      if (!(error instanceof MissingKeyError)) throw error
      await loaded.load(error.wanted)
    }
  }
}

/** A state whose key was destroyed counts as missing. */
function unsealState<State>(stored: unknown, conversation: string, keyOf: KeyReader): State | undefined {
  if (stored === undefined) return undefined
  const aad = aadOfState(conversation)
  const sealed = decodeEnvelope(stored, aad)
  const key = keyOf({ id: keyIdOf(sealed, aad) })
  if (!key) return undefined
  return unsealParts(JSON.parse(unseal(key, aad, sealed).toString()), aad, keyOf) as State
}

async function unsealOutcome<Outcome>(keys: Keys, eventId: string, sealed: string): Promise<Outcome> {
  const aad = aadOfOutcome(eventId)
  const outcome = await unsealText(keys, aad, sealed)
  if (outcome !== undefined) return (await unsealPartsWith(keys, JSON.parse(outcome), aad)) as Outcome
  throw new LaresError('forgotten', `what event ${eventId} led to is forgotten`)
}
