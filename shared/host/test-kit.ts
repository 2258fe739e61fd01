import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LaresError } from '../base/errors.ts'
import { noLog } from '../base/log.ts'
import { openCatalogue } from '../contract/catalogue.ts'
import type { Services } from '../contract/context.ts'
import type { AnyFunction } from '../contract/definition.ts'
import { firstEvent, type LaresEvent } from '../contract/events/event.ts'
import type { EventData, EventType, Language, SkillRequest } from '../contract/events/event-types.ts'
import { newId } from '../contract/events/ids.ts'
import { invocable } from '../contract/invoke.ts'
import { languageOf } from '../language/detection.ts'
import type { Models } from '../models/models.ts'
import { openFolderObjects } from '../objects/folder.ts'
import type { ObjectStore } from '../objects/objects.ts'
import { openSqliteConversations } from '../store/sqlite/sqlite-store.ts'
import type { Conversations } from '../store/store.ts'
import { openSqliteVectors } from '../vectors/sqlite.ts'

export type Kit = {
  conversations: Conversations
  services: Partial<Services>
  objects: ObjectStore
  /** Gives an event to a function, as the connector does, and gives what comes of it. */
  send<T extends EventType>(definition: AnyFunction, event: LaresEvent<T>): Promise<LaresEvent[]>
  /** Says something to a skill, or calls it with an input. */
  ask(
    definition: AnyFunction,
    said: string,
    options?: AskOptions,
  ): Promise<EventData<'lares.result.returned'>>
  close(): Promise<void>
}

export type AskOptions = Partial<
  Pick<SkillRequest, 'input' | 'person' | 'timeZone' | 'saidAt' | 'language' | 'asked'>
> & {
  eventId?: string
}

/** There are no models here: what needs one says so, and what can do without does. */
const wordsAlone: Pick<Models, 'embed'> = {
  embed: async () => {
    throw new LaresError('rejected', 'there are no embeddings in this test')
  },
}

/** A conversations store in a directory of its own, and the functions' own runtime around it. Default: no models. */
export async function openKit({
  models = wordsAlone,
}: {
  models?: Pick<Models, 'embed'>
} = {}): Promise<Kit> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-functions-'))
  const conversations = openSqliteConversations(join(folder, 'conversations.db'))
  const { documents, timers } = conversations
  const vectors = openSqliteVectors(join(folder, 'vectors.db'))
  const objects = openFolderObjects(join(folder, 'objects'))
  const services = {
    conversations,
    documents,
    timers,
    vectors,
    objects,
    models: models as Models,
    catalogue: openCatalogue(documents),
  }
  const send: Kit['send'] = async (definition, event) => {
    const events: LaresEvent[] = []
    const { invoke } = invocable(definition, { services, objects, log: noLog })
    for await (const made of invoke(event as unknown as LaresEvent)) events.push(made)
    return events
  }
  return {
    conversations,
    services,
    objects,
    send,
    async ask(definition, said, { eventId, ...options } = {}) {
      const [result] = await send(definition, requestEvent(definition.name, said, options, eventId))
      return result!.data as EventData<'lares.result.returned'>
    },
    async close() {
      await conversations.close()
      await vectors.close()
      await rm(folder, { recursive: true })
    },
  }
}

function requestEvent(
  skill: string,
  text: string,
  options: Omit<AskOptions, 'eventId'>,
  id: string = newId(),
) {
  return firstEvent({
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
      language: languageOf(text),
      timeZone: 'Europe/Berlin',
      saidAt: '2026-03-27T09:00:00.000Z',
      ...options,
    },
  })
}

export type SayOptions = { person?: string; time?: string; id?: string; language?: Language }

/** A message as the gateway writes it. */
export const messageEvent = (
  text: string,
  { person = 'alice', time, id = newId(), language }: SayOptions = {},
) =>
  firstEvent({
    id,
    source: '/test',
    type: 'lares.message.received',
    conversation: 'conversation',
    ...(time ? { time } : {}),
    data: {
      person,
      text,
      attachments: [],
      channel: 'test',
      language: language ?? languageOf(text),
      timeZone: 'Europe/Berlin',
    },
  })
