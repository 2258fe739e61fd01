import type { Address, Sender } from '../contract/events/address.ts'
import type { AttachmentSummary, Language } from '../contract/events/event-types.ts'

/**
 * The store: dialog's state and journal, the history that people see, records, timers. Drivers: `sqlite` (embedded;
 * several processes of one machine may share the file), `postgres`.
 *
 * Guarantees of every driver: the result of a resolved call survives kill -9 and power loss (PostgreSQL: as its
 * synchronous_commit says). Each call is one transaction. Calls on one conversation are serial. The caller makes all
 * ids. A repeated call with the same ids changes nothing, unless the call's comment says otherwise.
 */
export type Store = {
  /**
   * Dialog's step, in one transaction: reads the state, applies the step, and writes the new state, the history rows
   * and the outcome under `eventId`. If that event was applied before, the store applies nothing and returns the
   * recorded outcome.
   */
  step<State, Outcome>(request: StepRequest<State, Outcome>): Promise<Outcome>
  history: History
  records: Records
  timers: Timers
  rows: StoreRows
  audit: AuditStore
  copy: StoreCopy
  /** Removes journal entries older than this. An event that is repeated after that would be applied again. */
  trimJournal(beforeMs: number): Promise<void>
  /** Resolves when the store can be read and written; rejects with `unavailable` and the remedy. */
  check(): Promise<void>
  close(): Promise<void>
}

export type StepRequest<State, Outcome> = {
  conversation: string
  person: string
  eventId: string
  /** Must be pure: a retried transaction runs it again. State is undefined for a conversation without one. */
  apply(state: State | undefined): {
    state: State
    messages: MessageWrite[]
    outcome: Outcome
    /** Counts by hour and model (docs/stores.md); they contain no personal data. */
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
  /** Only for messages with attachments. Like all fields but text and status it stays as first written. */
  attachments?: AttachmentSummary[]
  /**
   * The address that the message came from or went to. Rows older than addresses lack it: they are of the page or the
   * API.
   */
  address?: Address
  /**
   * The sender of the message. In a group a reply has the sender that it answers, and is forgotten with that person.
   * Other replies have none.
   */
  sender?: Sender
}

export type HistoryMessage = MessageWrite & {
  conversation: string
  /** Grows with every change in the store: a changed row gets a new one. */
  sequence: number
}

/** The messages of one person that have no reply yet; `oldestAt` (ISO 8601, UTC) is the time of the first of them. */
export type Backlog = { person: string; count: number; oldestAt: string }

export type Conversation = { id: string; person: string; createdAt: string }

export type History = {
  /**
   * Enters a person's message as `queued`, and creates the conversation if it does not exist. Returns the message that
   * the store holds under that id: for a repeated message the first one. Errors: `not_found` when the conversation is
   * another person's.
   */
  accept(entry: { conversation: string; person: string; message: MessageWrite }): Promise<HistoryMessage>
  conversation(id: string): Promise<Conversation | undefined>
  message(id: string): Promise<HistoryMessage | undefined>
  /** A person's conversations, newest first. */
  conversations(person: string, limit: number): Promise<Conversation[]>
  /** The last `limit` messages (before the one with id `before`), oldest first. */
  list(conversation: string, page: { before?: string; limit: number }): Promise<HistoryMessage[]>
  /**
   * The messages that wait for a reply, by person; of one conversation, if it is given. People without any are left
   * out.
   */
  backlog(conversation?: string): Promise<Backlog[]>
  /** Rows changed after `sequence`, in the order of their changes. */
  changes(conversation: string, sequence: number, limit: number): Promise<HistoryMessage[]>
}

/**
 * A JSON record of one person in a collection, found by id or by its words. `person` is empty for shared records.
 * Shared records are never encrypted or forgotten, so they must hold nothing that a person said.
 */
export type JsonRecord = { id: string; person: string; text: string; body: unknown; createdAt: string }

export type JsonRecordKey = { collection: string; person: string; id: string }

export type Records = {
  /** Writes or replaces a record; the creation time stays. */
  put(collection: string, document: JsonRecord): Promise<void>
  /** Writes a record only if the id is free; returns false otherwise. */
  insert(collection: string, document: JsonRecord): Promise<boolean>
  get(key: JsonRecordKey): Promise<JsonRecord | undefined>
  /** Returns whether the record existed. */
  delete(key: JsonRecordKey): Promise<boolean>
  /** Newest first. */
  list(query: { collection: string; person: string; limit: number }): Promise<JsonRecord[]>
  /** Counts the records without reading them. */
  count(query: { collection: string; person: string }): Promise<number>
  /**
   * Best match first, by the words shared with `query` (BM25). Scores are above 0; higher is better. Chinese is matched
   * by character.
   */
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
  /** The address where the timer was set; timers older than addresses lack it. */
  address?: Address
}

export type Timers = {
  /**
   * Returns false if the timer's id is known already, fired or not. Errors: `invalid_request` when `dueAt` is no time
   * before the year 10000.
   */
  schedule(timer: Timer): Promise<boolean>
  /** Returns whether the timer existed and had not fired. */
  cancel(person: string, id: string): Promise<boolean>
  /** Timers that are due and have not fired, earliest first. */
  due(nowMs: number, limit: number): Promise<Timer[]>
  /** A person's timers that have not fired, earliest first. */
  pending(person: string, limit: number): Promise<Timer[]>
  markFired(ids: string[]): Promise<void>
}

/**
 * All rows of a person, for moving and for forgetting people. The journal is not included: it records events on the
 * log.
 */
export type StoreRow =
  | { kind: 'conversation'; id: string; person: string; createdAt: string; state?: unknown }
  | ({ kind: 'message'; conversation: string; person: string } & MessageWrite)
  | ({ kind: 'document'; collection: string } & JsonRecord)
  | ({ kind: 'timer'; state: 'waiting' | 'fired' | 'cancelled' } & Timer)

export type StoreRows = {
  /** All people with at least one row. */
  people(): Promise<string[]>
  /**
   * A person's rows, or the shared records for an empty person. A conversation comes before its messages, which come in
   * their order. Rows written meanwhile may be included or not.
   */
  read(person: string): AsyncIterable<StoreRow>
  /** Inserts rows in the given order. A row with an existing id stays as it is; returns how many were new. */
  write(rows: StoreRow[]): Promise<number>
  /**
   * Removes all rows of a person in one transaction, including the journal and the person's messages in groups. Returns
   * how many of each kind it removed.
   */
  erase(person: string): Promise<ErasedCounts>
}

export type ErasedCounts = { conversations: number; messages: number; documents: number; timers: number }

/** A line of the audit log, as `shared/protection/audit/` makes it. */
export type AuditRow = {
  /** Counts from 1, without gaps. */
  sequence: number
  id: string
  /** The entry, as JSON. */
  text: string
  hash: string
}

/** Rows that are added and never changed. */
export type AuditStore = {
  /**
   * Adds the row that `make` derives from the last one (undefined for the first); writers take turns. If the id exists
   * already, the existing row stays and is returned. `make` may be called again.
   */
  append(id: string, make: (last: AuditRow | undefined) => AuditRow): Promise<AuditRow>
  /** Rows in their order. */
  read(afterSequence: number, limit: number): Promise<AuditRow[]>
}

/** The record of what dialog decided for an event: it answers the same event with the same outcome. */
export type JournalEntry = { eventId: string; conversation: string; outcome: string; atMs: number }

/** For backups: the whole store except the counts of model calls, in stored form (encrypted rows stay encrypted). */
export type StoreCopy = {
  /** The store at one moment, when every state agrees with its journal. Steps go on meanwhile. */
  snapshot(): Promise<StoreSnapshot>
  /** Writes a snapshot's journal entries; existing entries stay. */
  writeJournal(entries: JournalEntry[]): Promise<void>
}

export type StoreSnapshot = {
  rows: Pick<StoreRows, 'people' | 'read'>
  journal(): AsyncIterable<JournalEntry>
  audit: Pick<AuditStore, 'read'>
  close(): Promise<void>
}
