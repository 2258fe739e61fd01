import * as z from 'zod'

/** The path of a conversation through Lares: `GET /api/trace/:id` returns it, and `lares trace` draws it. */

const failureSchema = z.strictObject({ code: z.string(), message: z.string() })

/** The progress of a function that reads an event's topic. Times are ISO 8601, UTC. */
export const tracedReaderSchema = z.strictObject({
  function: z.string(),
  /**
   * `done`: the function has finished the event. `waiting`: the event waits for the function or for the next attempt.
   * `running`: an attempt runs. `dead`: the function has failed for good, and the event is a dead letter.
   */
  state: z.enum(['done', 'waiting', 'running', 'dead']),
  /** The number of the running attempt, or of the last one; absent if none is known. */
  try: z.int().positive().optional(),
  /** Since when the event waits, or the attempt runs. */
  since: z.string().optional(),
  nextTryAt: z.string().optional(),
  /** Why the last attempt failed. */
  error: failureSchema.optional(),
  deadLetter: z.strictObject({ id: z.string(), retriedAt: z.string().optional() }).optional(),
})
export type TracedReader = z.infer<typeof tracedReaderSchema>

export const tracedEventSchema = z.strictObject({
  id: z.string(),
  type: z.string(),
  /** When the event was appended to the log. */
  at: z.string(),
  /** The maker of the event: the name of a function, or `gateway`, `timers`, `connector`. */
  madeBy: z.string(),
  /** The id of the causing event. */
  causedBy: z.string().optional(),
  /**
   * The attempt that made the event: its number, how long the cause had waited until the first attempt, and how long
   * this attempt ran.
   */
  made: z
    .strictObject({ try: z.int().positive(), waitedMs: z.number().optional(), ranMs: z.number() })
    .optional(),
  topic: z.string(),
  partition: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** The data was too large to travel, and is in the object store. */
  isClaimCheck: z.boolean(),
  /**
   * The number of records of the event: the pieces of a stream from one attempt, or the same event put on the log
   * again.
   */
  records: z.int().positive(),
  /** When the last of these records was appended. */
  lastAt: z.string(),
  readers: z.array(tracedReaderSchema),
})
export type TracedEvent = z.infer<typeof tracedEventSchema>

export const tracedTurnSchema = z.strictObject({
  /** The id of the message that the turn answers. */
  id: z.string(),
  /** The message, as the history has it; absent for a turn that the assistant began. */
  message: z.strictObject({ text: z.string(), status: z.string(), createdAt: z.string() }).optional(),
  /** How the turn's reply ended; absent while the log has no reply. */
  reply: z.strictObject({ status: z.string().optional(), at: z.string() }).optional(),
  /** In the order of the log; empty if the log no longer has them. */
  events: z.array(tracedEventSchema),
})
export type TracedTurn = z.infer<typeof tracedTurnSchema>

export const traceSchema = z.strictObject({
  conversation: z.string(),
  /** The person who owns the conversation; absent if the history does not know it. */
  person: z.string().optional(),
  /** Oldest first. */
  turns: z.array(tracedTurnSchema),
  /** Whether the conversation has older turns. */
  hasEarlier: z.boolean(),
  /** False if no connector could be asked: the trace then shows waiting events without attempts. */
  knowsTries: z.boolean(),
})
export type Trace = z.infer<typeof traceSchema>

export type TraceRequest = {
  /** The id of a conversation, or of one of its messages. */
  id: string
  /** The most turns to return; the newest are returned. */
  turns: number
}

/** Reads the trace of a conversation from the log. Errors: `not_found`, those of the bus. */
export type Tracer = (request: TraceRequest) => Promise<Trace>

export const DEFAULT_TRACED_TURNS = 20
export const MAX_TRACED_TURNS = 1_000
