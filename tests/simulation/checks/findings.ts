import { resolveDataRef } from '../../../shared/contract/events/event-log.ts'
import type { Reply } from '../../../shared/contract/events/event-types.ts'
import { eventFromRecord } from '../../../shared/contract/events/kafka-binding.ts'
import type { HistoryMessage } from '../../../shared/store/store.ts'
import type { Client } from '../actors/client.ts'
import type { Leaving } from '../actors/leaver.ts'
import { type DeadLetter, deadLetters } from '../actors/operator.ts'
import { EPOCH_MS } from '../clock.ts'
import type { House } from '../world/instance.ts'

/** What a run left behind, read from the log and the store, for the promises to be checked on. */
export type Findings = {
  clients: Client[]
  /** Each once, in the order of the log of its conversation. */
  replies: Said[]
  rows: Map<string, HistoryMessage[]>
  letters: DeadLetter[]
  house: House
  leaving: Leaving | undefined
}

/** A reply on the log; `atMs` is when it was first written, since the start of the run. */
export type Said = { id: string; turn: string; conversation: string; data: Reply; atMs: number }

export async function findingsOf(
  house: House,
  clients: Client[],
  leaving: Leaving | undefined,
): Promise<Findings> {
  const { outside } = house.drivers
  const rows = new Map<string, HistoryMessage[]>()
  for (const { talk } of clients)
    rows.set(talk.conversation, await outside.conversations.history.list(talk.conversation, { limit: 1_000 }))
  return {
    house,
    clients,
    leaving,
    rows,
    replies: await repliesOn(house),
    letters: await deadLetters(house),
  }
}

async function repliesOn(house: House): Promise<Said[]> {
  const found = new Map<string, Said>()
  const { outside } = house.drivers
  for (const record of await outside.records('lares.reply')) {
    const { key, timestampMs } = record
    // Of one whose words are nowhere nobody is told.
    const reply = await resolveDataRef(eventFromRecord(record), outside.objects).catch(() => undefined)
    if (!reply) continue
    const { id, correlationid: turn } = reply
    const data = reply.data as Reply
    if (!found.has(id)) found.set(id, { id, turn, data, conversation: key, atMs: timestampMs - EPOCH_MS })
  }
  return [...found.values()]
}
