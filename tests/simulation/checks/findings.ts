import { resolveDataRef } from '../../../shared/contract/events/event-log.ts'
import type { Reply } from '../../../shared/contract/events/event-types.ts'
import { eventFromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import type { HistoryMessage } from '../../../shared/store/store.ts'
import type { Client } from '../actors/client.ts'
import type { LeaverClient } from '../actors/leaver.ts'
import { type DeadLetter, readDeadLetters } from '../actors/operator.ts'
import { RUN_START_MS } from '../clock.ts'
import type { SimulatedInstance } from '../world/instance.ts'

/** The state that a run left behind, read from the log and the store, for the checks of the promises. */
export type Findings = {
  clients: Client[]
  /** Each once, in the order of the log of its conversation. */
  replies: LoggedReply[]
  history: Map<string, HistoryMessage[]>
  deadLetters: DeadLetter[]
  instance: SimulatedInstance
  leaver: LeaverClient | undefined
}

/** A reply on the log; `atMs` is when it was first written, since the start of the run. */
export type LoggedReply = { id: string; turn: string; conversation: string; data: Reply; atMs: number }

export async function collectFindings(
  instance: SimulatedInstance,
  clients: Client[],
  leaver: LeaverClient | undefined,
): Promise<Findings> {
  const { outside } = instance.drivers
  const history = new Map<string, HistoryMessage[]>()
  for (const { script } of clients)
    history.set(script.conversation, await outside.store.history.list(script.conversation, { limit: 1_000 }))
  return {
    instance,
    clients,
    leaver,
    history,
    replies: await readReplies(instance),
    deadLetters: await readDeadLetters(instance),
  }
}

async function readReplies(instance: SimulatedInstance): Promise<LoggedReply[]> {
  const found = new Map<string, LoggedReply>()
  const { outside } = instance.drivers
  for (const record of await outside.records('lares.reply')) {
    const { key, timestampMs } = record
    // The address of a dead letter without a message is unknown, so nobody can be told.
    const reply = await resolveDataRef(eventFromRecord(record), outside.objects).catch(() => undefined)
    if (!reply) continue
    const { id, correlationid: turn } = reply
    const data = reply.data as Reply
    if (!found.has(id)) found.set(id, { id, turn, data, conversation: key, atMs: timestampMs - RUN_START_MS })
  }
  return [...found.values()]
}
