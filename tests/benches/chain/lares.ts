import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startConnector } from '../../../infra/connector/connector.ts'
import { httpInvoker } from '../../../infra/connector/invokers/http-invoker.ts'
import { inlineInvoker } from '../../../infra/connector/invokers/inline-invoker.ts'
import { noLog } from '../../../shared/base/log.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { openCatalogue } from '../../../shared/contract/catalogue.ts'
import { defineFunction } from '../../../shared/contract/definition.ts'
import { firstEvent, type LaresEvent } from '../../../shared/contract/events/event.ts'
import { openEventLog } from '../../../shared/contract/events/event-log.ts'
import { skillType } from '../../../shared/contract/events/event-types.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import { fromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import { invocable } from '../../../shared/contract/invoke.ts'
import { serve } from '../../../shared/contract/serve.ts'
import { openFolderObjects } from '../../../shared/objects/folder.ts'
import { openSqliteConversations } from '../../../shared/store/sqlite/sqlite-store.ts'
import { type Chain, HOPS, openTurns, TEXT } from './chain.ts'

const END = 'lares.result'

/** The real connector on this bus, with functions that hand on what they get: in this process, or over HTTP. */
export async function startLaresChain(bus: Bus, invoking: 'inline' | 'http'): Promise<Chain> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-chain-'))
  const objects = openFolderObjects(folder)
  const conversations = openSqliteConversations(join(folder, 'conversations.db'))
  const events = openEventLog(bus, objects)
  const definitions = functionsOf(invoking)
  const functions = new Map(
    definitions.map(one => [one.name, invocable(one, { services: {}, objects, log: noLog })]),
  )
  const served = new Map<string, Awaited<ReturnType<typeof serve>>>()
  if (invoking === 'http')
    for (const [name, one] of functions) served.set(name, await serve(one, { port: 0, log: noLog }))
  const invoker =
    invoking === 'http'
      ? httpInvoker({ urlOf: name => `http://127.0.0.1:${served.get(name)!.port}` })
      : inlineInvoker(functions)
  const connector = await startConnector({
    bus,
    events,
    invoker,
    catalogue: openCatalogue(conversations.documents),
    log: noLog,
    source: async () => definitions.map(({ name }) => ({ name, topics: [`lares.skill.${name}`] })),
  })
  const turns = openTurns()
  const tail = await bus.tail({
    topics: [END],
    onRecords(records) {
      for (const record of records) turns.end((fromRecord(record) as LaresEvent).correlationid)
    },
  })
  return {
    async turn() {
      const id = newId()
      const ended = turns.begin(id)
      await events.publish([firstOf(id, hopName(invoking, 1))])
      await ended
    },
    async close() {
      await tail.close()
      await connector.close()
      await invoker.close()
      for (const one of served.values()) await one.drain()
      await conversations.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const hopName = (invoking: string, hop: number): string => `${invoking}-${hop}`

const functionsOf = (invoking: string) =>
  Array.from({ length: HOPS - 1 }, (_, at) => {
    const isLast = at === HOPS - 2
    const next = skillType(hopName(invoking, at + 2))
    return defineFunction<ReturnType<typeof skillType>>({
      name: hopName(invoking, at + 1),
      receives: [skillType(hopName(invoking, at + 1))],
      emits: [isLast ? 'lares.result.returned' : next],
      concurrency: 1_000,
      handle: ({ data }) =>
        isLast
          ? {
              type: 'lares.result.returned',
              data: { callId: data.callId, step: data.step, status: 'ok', text: data.text },
            }
          : { type: next, data },
    })
  })

const firstOf = (id: string, name: string) =>
  firstEvent({
    id,
    source: '/lares/bench',
    type: skillType(name),
    conversation: id,
    data: {
      callId: id,
      step: 0,
      person: 'owner',
      input: null,
      text: TEXT,
      language: 'en',
      timeZone: 'UTC',
      saidAt: new Date().toISOString(),
    },
  })
