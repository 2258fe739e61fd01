import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import { openCatalogue } from '../contract/catalogue.ts'
import type { ServiceName, Services } from '../contract/context.ts'
import type { AnyFunction } from '../contract/definition.ts'
import { webOrigin } from '../contract/events/address.ts'
import { createRootEvent, type LaresEvent } from '../contract/events/event.ts'
import type { EventData, EventType, Language, SkillRequest } from '../contract/events/event-types.ts'
import { newId } from '../contract/events/ids.ts'
import { createInvocable, type Invocable } from '../contract/invoke.ts'
import { detectLanguage } from '../language/detection.ts'
import type { Models } from '../models/models.ts'
import { openFolderObjects } from '../objects/folder.ts'
import type { ObjectStore } from '../objects/objects.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { openSqliteVectors } from '../vectors/sqlite.ts'

export type TestKit = {
  store: Store
  services: Partial<Services>
  objects: ObjectStore
  /** Sends an event to a function, as the connector does, and returns the emitted events. */
  send<T extends EventType>(definition: AnyFunction, event: LaresEvent<T>): Promise<LaresEvent[]>
  /** Sends a text to a skill, or calls it with an input. */
  ask(
    definition: AnyFunction,
    said: string,
    options?: SkillRequestOptions,
  ): Promise<EventData<'lares.result.returned'>>
  close(): Promise<void>
}

export type SkillRequestOptions = Partial<
  Pick<SkillRequest, 'input' | 'person' | 'timeZone' | 'saidAt' | 'language' | 'asked'>
> & {
  eventId?: string
}

/** The kit has no models: functions that need one fail with a clear error, and others work without. */
const noEmbeddings: Pick<Models, 'embed'> = {
  embed: async () => {
    throw new LaresError('rejected', 'there are no embeddings in this test')
  },
}

/** A store in its own directory, and the functions' own runtime around it. Default: no models. */
export async function openTestKit({
  models = noEmbeddings,
}: {
  models?: Pick<Models, 'embed'>
} = {}): Promise<TestKit> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-functions-'))
  const conversations = openSqliteStore(join(folder, 'conversations.db'))
  const { records, timers } = conversations
  const vectors = openSqliteVectors(join(folder, 'vectors.db'))
  const objects = openFolderObjects(join(folder, 'objects'))
  const services = {
    store: conversations,
    records,
    timers,
    vectors,
    objects,
    models: models as Models,
    catalogue: openCatalogue(records),
  }
  const functions = openTestFunctions(services, objects)
  const send: TestKit['send'] = async (definition, event) => {
    const events: LaresEvent[] = []
    const { invoke } = await functions.get(definition)
    for await (const emitted of invoke(event as unknown as LaresEvent)) events.push(emitted)
    return events
  }
  return {
    store: conversations,
    services,
    objects,
    send,
    async ask(definition, said, { eventId, ...options } = {}) {
      const [result] = await send(definition, skillRequestEvent(definition.name, said, options, eventId))
      return result!.data as EventData<'lares.result.returned'>
    },
    async close() {
      await functions.stop()
      await conversations.close()
      await vectors.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Starts each function once, as in its own process, and again after the test replaced a service. */
function openTestFunctions(services: Partial<Services>, objects: ObjectStore) {
  const started = new Map<AnyFunction, { invocable: Invocable; given: Partial<Services> }>()
  const isCurrent = (given: Partial<Services>) =>
    Object.entries(services).every(([name, service]) => given[name as ServiceName] === service)
  return {
    async get(definition: AnyFunction): Promise<Invocable> {
      const known = started.get(definition)
      if (known && isCurrent(known.given)) return known.invocable
      await known?.invocable.stop()
      const given = { ...services }
      // The connector respects a function's concurrency; a test may send without limit.
      const unlimited = { ...definition, concurrency: Number.MAX_SAFE_INTEGER }
      const invocable = createInvocable(unlimited, { services: given, objects, log: silentLogger })
      started.set(definition, { invocable, given })
      await invocable.start()
      return invocable
    },
    async stop(): Promise<void> {
      for (const { invocable } of started.values()) await invocable.stop()
    },
  }
}

function skillRequestEvent(
  skill: string,
  text: string,
  options: Omit<SkillRequestOptions, 'eventId'>,
  id: string = newId(),
) {
  return createRootEvent({
    id,
    source: '/test',
    type: `lares.skill.${skill}.requested`,
    conversation: 'conversation',
    data: {
      callId: id,
      step: 0,
      person: 'alice',
      input: null,
      text,
      language: detectLanguage(text),
      timeZone: 'Europe/Berlin',
      saidAt: '2026-03-27T09:00:00.000Z',
      ...options,
    },
  })
}

export type MessageOptions = { person?: string; time?: string; id?: string; language?: Language }

/** A message as the gateway writes it. */
export const messageEvent = (
  text: string,
  { person = 'alice', time, id = newId(), language }: MessageOptions = {},
) =>
  createRootEvent({
    id,
    source: '/test',
    type: 'lares.message.received',
    conversation: 'conversation',
    ...(time ? { time } : {}),
    data: {
      person,
      text,
      attachments: [],
      ...webOrigin(person, 'conversation'),
      language: language ?? detectLanguage(text),
      timeZone: 'Europe/Berlin',
    },
  })
