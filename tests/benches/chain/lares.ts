import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startConnector } from '../../../infra/connector/connector.ts'
import { httpInvoker } from '../../../infra/connector/invokers/http-invoker.ts'
import { inlineInvoker } from '../../../infra/connector/invokers/inline-invoker.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { openCatalogue } from '../../../shared/contract/catalogue.ts'
import { defineFunction } from '../../../shared/contract/definition.ts'
import { createRootEvent, type LaresEvent } from '../../../shared/contract/events/event.ts'
import { openEventLog } from '../../../shared/contract/events/event-log.ts'
import { skillRequestType } from '../../../shared/contract/events/event-types.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import { eventFromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import { createInvocable } from '../../../shared/contract/invoke.ts'
import { serve } from '../../../shared/contract/serve.ts'
import { openFolderObjects } from '../../../shared/objects/folder.ts'
import { openSqliteStore } from '../../../shared/store/sqlite/sqlite-store.ts'
import { type Chain, HOPS, openPendingTurns, PAYLOAD_TEXT } from './chain.ts'

const END_TOPIC = 'lares.result'

/** The real connector on this bus, with functions that hand on their input: in this process, or over HTTP. */
export async function startLaresChain(bus: Bus, invokerKind: 'inline' | 'http'): Promise<Chain> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-chain-'))
  const objects = openFolderObjects(folder)
  const store = openSqliteStore(join(folder, 'conversations.db'))
  const events = openEventLog(bus, objects)
  const definitions = hopFunctions(invokerKind)
  const functions = new Map(
    definitions.map(one => [one.name, createInvocable(one, { services: {}, objects, log: silentLogger })]),
  )
  const served = new Map<string, Awaited<ReturnType<typeof serve>>>()
  if (invokerKind === 'http')
    for (const [name, one] of functions) served.set(name, await serve(one, { port: 0, log: silentLogger }))
  const invoker =
    invokerKind === 'http'
      ? httpInvoker({ urlOf: name => `http://127.0.0.1:${served.get(name)!.port}` })
      : inlineInvoker(functions)
  const connector = await startConnector({
    bus,
    events,
    invoker,
    catalogue: openCatalogue(store.records),
    log: silentLogger,
    source: async () => definitions.map(({ name }) => ({ name, topics: [`lares.skill.${name}`] })),
  })
  const turns = openPendingTurns()
  const tail = await bus.tail({
    topics: [END_TOPIC],
    onRecords(records) {
      for (const record of records) turns.end((eventFromRecord(record) as LaresEvent).correlationid)
    },
  })
  return {
    async turn() {
      const id = newId()
      const ended = turns.begin(id)
      await events.publish([firstHopEvent(id, hopName(invokerKind, 1))])
      await ended
    },
    async close() {
      await tail.close()
      await connector.close()
      await invoker.close()
      for (const one of served.values()) await one.drain()
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const hopName = (invokerKind: string, hop: number): string => `${invokerKind}-${hop}`

const hopFunctions = (invokerKind: string) =>
  Array.from({ length: HOPS - 1 }, (_, at) => {
    const isLast = at === HOPS - 2
    const next = skillRequestType(hopName(invokerKind, at + 2))
    return defineFunction<ReturnType<typeof skillRequestType>>({
      name: hopName(invokerKind, at + 1),
      receives: [skillRequestType(hopName(invokerKind, at + 1))],
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

const firstHopEvent = (id: string, name: string) =>
  createRootEvent({
    id,
    source: '/lares/bench',
    type: skillRequestType(name),
    conversation: id,
    data: {
      callId: id,
      step: 0,
      person: 'owner',
      input: null,
      text: PAYLOAD_TEXT,
      language: 'en',
      timeZone: 'UTC',
      saidAt: new Date().toISOString(),
    },
  })
