import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startConnector } from '../../../infra/connector/connector.ts'
import { httpInvoker } from '../../../infra/connector/invokers/http-invoker.ts'
import { inlineInvoker } from '../../../infra/connector/invokers/inline-invoker.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { openSqliteBus } from '../../../shared/bus/sqlite/sqlite-bus.ts'
import { openCatalogue } from '../../../shared/contract/catalogue.ts'
import { createRootEvent, type LaresEvent } from '../../../shared/contract/events/event.ts'
import { openEventLog } from '../../../shared/contract/events/event-log.ts'
import { skillRequestType } from '../../../shared/contract/events/event-types.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import { eventFromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import { createInvocable } from '../../../shared/contract/invoke.ts'
import { openFolderObjects } from '../../../shared/objects/folder.ts'
import { openSqliteStore } from '../../../shared/store/sqlite/sqlite-store.ts'
import { stepFunctions } from './lares-steps.ts'
import { stopPeer } from './peers.ts'
import type { Peer } from './restate.ts'

/**
 * The embedded log (every step is synced to it before it counts) and the connector in this process, and a chain of
 * `steps` functions: `http`, in a process of their own, as Restate's service is; `inline`, in this one.
 */
export async function startLares(steps: number, kind: 'http' | 'inline'): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-durable-'))
  const bus = openSqliteBus({ file: join(folder, 'bus.db') })
  const objects = openFolderObjects(join(folder, 'objects'))
  const store = openSqliteStore(join(folder, 'conversations.db'))
  const events = openEventLog(bus, objects)
  const definitions = stepFunctions(steps)
  const served = kind === 'http' ? await serveSteps(steps) : undefined
  const invoker = served
    ? httpInvoker({ urlOf: name => `http://127.0.0.1:${served.ports[Number(name.slice('step-'.length))]}` })
    : inlineInvoker(
        new Map(
          definitions.map(one => [
            one.name,
            createInvocable(one, { services: {}, objects, log: silentLogger }),
          ]),
        ),
      )
  const connector = await startConnector({
    bus,
    events,
    invoker,
    catalogue: openCatalogue(store.records),
    log: silentLogger,
    source: async () => definitions.map(({ name }) => ({ name, topics: [`lares.skill.${name}`] })),
  })
  const waiting = new Map<string, (text: string) => void>()
  const tail = await bus.tail({
    topics: ['lares.result'],
    onRecords(records) {
      for (const record of records) {
        const { correlationid, data } = eventFromRecord(record) as LaresEvent<'lares.result.returned'>
        waiting.get(correlationid)?.(data.text)
        waiting.delete(correlationid)
      }
    },
  })
  return {
    turn(text) {
      const id = newId()
      return new Promise((resolve, reject) => {
        waiting.set(id, resolve)
        events.publish([createRootEvent(firstStepEvent(id, text))]).catch(reject)
      })
    },
    async close() {
      await tail.close()
      await connector.close()
      await invoker.close()
      if (served) await stopPeer(served.child)
      await bus.close()
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function serveSteps(steps: number): Promise<{ child: ChildProcess; ports: number[] }> {
  const script = fileURLToPath(new URL('./lares-steps.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, script, String(steps)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout!, 'data')
  return { child, ports: JSON.parse(String(line)) as number[] }
}

const firstStepEvent = (id: string, text: string) => ({
  id,
  source: '/lares/bench',
  type: skillRequestType('step-0'),
  conversation: id,
  data: {
    callId: id,
    step: 0,
    person: 'owner',
    input: null,
    text,
    language: 'en' as const,
    timeZone: 'UTC',
    saidAt: new Date().toISOString(),
  },
})
