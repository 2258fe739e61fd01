import type { Address, Sender } from '../contract/events/address.ts'
import type { AttachmentSummary, Language } from '../contract/events/event-types.ts'

/**
 * The conversations store: dialog's state and journal, the history that people see, documents, timers.
 * Drivers: `sqlite` (embedded; several processes of one machine may share the file).
 *
 * Guarantees of every driver: what a call has resolved survives kill -9 and power loss (PostgreSQL: as its
 * synchronous_commit says); each call is one transaction; calls on one conversation are serial. All ids are the caller's,
 * and a call repeated with the same ids changes nothing, unless its comment says so.
 */
export type Store = {
  /**
   * Dialog's step, in one transaction: reads the state, applies, and writes the new state, the history rows and the
   * outcome under `eventId`. When that event was applied before, nothing is applied and the recorded outcome comes back.
   */
  step<State, Outcome>(request: StepRequest<State, Outcome>): Promise<Outcome>
  history: History
  records: Records
  timers: Timers
  rows: StoreRows
  audit: AuditStore
  copy: StoreCopy
  /** Removes journal entries older than this; an event that comes again later than that would be applied again. */
  trimJournal(beforeMs: number): Promise<void>
  /** Resolves when the store can be read and written; rejects with `unavailable` and the remedy. */
  check(): Promise<void>
  close(): Promise<void>
}

export type StepRequest<State, Outcome> = {
  conversation: string
  person: string
  eventId: string
  /** Must be pure: it may be run again when the transaction is. State is undefined for a conversation without one. */
  apply(state: State | undefined): {
    state: State
    messages: MessageWrite[]
    outcome: Outcome
    /** Counted by hour and model (docs/stores.md); nothing of a person is among it. */
    modelCalls?: ModelCall[] | undefined
  }
}

export type ModelCall = { model: string; inputTokens: number; outputTokens: number }

export type MessageStatus = 'queued' | 'answering' | 'answered' | 'completed' | 'failed' | 'interrupted'

export type MessageWrite = {
  id: string
  role: 'user' | 'assistant'
  text: string
  /** The message that this one answers, or null. */
  inReplyTo: string | null
  /** ISO 8601, UTC. */
  createdAt: string
  status: MessageStatus
  /** Only where something came with it. Like all but text and status it stays as it was first written. */
  attachments?: AttachmentSummary[]
  /** Where it came from or went to. Not there for rows that are older than addresses: those are of the page or the API. */
  address?: Address
  /** Who said it. In a group a reply has the sender that it answers, with whom it is forgotten; elsewhere replies have none. */
  sender?: Sender
}

export type HistoryMessage = MessageWrite & {
  conversation: string
  /** Grows with every change in the store: a row that changes gets a new one. */
  sequence: number
}

/** The messages of one person that have no reply yet; `oldestAt` (ISO 8601, UTC) is when the first of them came. */
export type Backlog = { person: string; count: number; oldestAt: string }

export type Conversation = { id: string; person: string; createdAt: string }

export type History = {
  /**
   * Enters a person's message as `queued`, making the conversation if there is none. Gives back what the store holds
   * under that id: for a repeated message the first one. Errors: `not_found` when the conversation is another person's.
   */
  accept(entry: { conversation: string; person: string; message: MessageWrite }): Promise<HistoryMessage>
  conversation(id: string): Promise<Conversation | undefined>
  message(id: string): Promise<HistoryMessage | undefined>
  /** A person's conversations, the newest first. */
  conversations(person: string, limit: number): Promise<Conversation[]>
  /** The last `limit` messages (before the one with id `before`), oldest first. */
  list(conversation: string, page: { before?: string; limit: number }): Promise<HistoryMessage[]>
  /** How much waits for a reply, by person; in one conversation, if it is given. Nobody for whom nothing waits. */
  backlog(conversation?: string): Promise<Backlog[]>
  /** Rows changed after `sequence`, in the order of their changes. */
  changes(conversation: string, sequence: number, limit: number): Promise<HistoryMessage[]>
}

/**
 * A JSON document of one person in a collection, found by id or by its words. `person` is empty for what is everybody's,
 * which is never encrypted or forgotten: nothing that a person said belongs there.
 */
export type JsonRecord = { id: string; person: string; text: string; body: unknown; createdAt: string }

export type JsonRecordKey = { collection: string; person: string; id: string }

export type Records = {
  /** Writes or replaces (the creation time stays). */
  put(collection: string, document: JsonRecord): Promise<void>
  /** Writes only if there is none under that id; false when there was. */
  insert(collection: string, document: JsonRecord): Promise<boolean>
  get(key: JsonRecordKey): Promise<JsonRecord | undefined>
  /** True when there was one. */
  delete(key: JsonRecordKey): Promise<boolean>
  /** The newest first. */
  list(query: { collection: string; person: string; limit: number }): Promise<JsonRecord[]>
  /** How many there are; none of them is read. */
  count(query: { collection: string; person: string }): Promise<number>
  /** Best first, by the words they share with `query` (BM25); score is above 0, higher is better. Chinese is matched by character. */
  search(query: {
    collection: string
    person: string
    query: string
    limit: number
  }): Promise<(JsonRecord & { score: number })[]>
}

export type Timer = {
  id: string
  conversation: string
  person: string
  text: string
  language: Language
  /** ISO 8601, UTC. */
  dueAt: string
  /** Where it was set; not there for timers that are older than addresses. */
  address?: Address
}

export type Timers = {
  /** False when a timer of that id is known already, fired or not. Errors: `invalid_request` when `dueAt` is no time before the year 10000. */
  schedule(timer: Timer): Promise<boolean>
  /** True when it was there and had not fired. */
  cancel(person: string, id: string): Promise<boolean>
  /** Timers that are due and have not fired, the earliest first. */
  due(nowMs: number, limit: number): Promise<Timer[]>
  /** A person's timers that have not fired, the earliest first. */
  pending(person: string, limit: number): Promise<Timer[]>
  markFired(ids: string[]): Promise<void>
}

/** All that is kept of a person, for those who move it and forget it. The journal is not among it: it tells of events on the log. */
export type StoreRow =
  | { kind: 'conversation'; id: string; person: string; createdAt: string; state?: unknown }
  | ({ kind: 'message'; conversation: string; person: string } & MessageWrite)
  | ({ kind: 'document'; collection: string } & JsonRecord)
  | ({ kind: 'timer'; state: 'waiting' | 'fired' | 'cancelled' } & Timer)

export type StoreRows = {
  /** Everybody of whom there is anything. */
  people(): Promise<string[]>
  /**
   * A person's rows, or everybody's documents for an empty person: a conversation comes before its messages, which come in
   * their order. What is written meanwhile may be among them or not.
   */
  read(person: string): AsyncIterable<StoreRow>
  /** Puts rows in, in their order. What is there already under the same id stays; gives back how many were new. */
  write(rows: StoreRow[]): Promise<number>
  /** Removes all of a person, the journal and what they said in groups included, in one transaction; gives back how many of each kind there were. */
  erase(person: string): Promise<ErasedCounts>
}

export type ErasedCounts = { conversations: number; messages: number; documents: number; timers: number }

/** A line of the audit log, as `shared/protection/audit/` makes it. */
export type AuditRow = {
  /** From 1 on, without gaps. */
  sequence: number
  id: string
  /** The entry, as JSON. */
  text: string
  hash: string
}

/** Rows that are added and never changed. */
export type AuditStore = {
  /**
   * Adds the row that `make` makes of the last one (undefined for the first), one writer after the other; what has that
   * id already stays, and comes back. `make` may be called again.
   */
  append(id: string, make: (last: AuditRow | undefined) => AuditRow): Promise<AuditRow>
  /** In their order. */
  read(afterSequence: number, limit: number): Promise<AuditRow[]>
}

/** What dialog wrote under an event: it answers the same event with the same outcome. */
export type JournalEntry = { eventId: string; conversation: string; outcome: string; atMs: number }

/** For backups: everything that the store keeps except the counts of model calls, as it is stored (encrypted rows stay so). */
export type StoreCopy = {
  /** The store as it is at one moment, in which every state agrees with its journal. Steps go on meanwhile. */
  snapshot(): Promise<StoreSnapshot>
  /** Writes journal entries of a snapshot; those that are there already stay. */
  writeJournal(entries: JournalEntry[]): Promise<void>
}

export type StoreSnapshot = {
  rows: Pick<StoreRows, 'people' | 'read'>
  journal(): AsyncIterable<JournalEntry>
  audit: Pick<AuditStore, 'read'>
  close(): Promise<void>
}
