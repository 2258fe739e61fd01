import * as z from 'zod'

/** The journey of a conversation through Lares, as `GET /api/trace/:id` gives it and `lares trace` draws it. */

const failureSchema = z.strictObject({ code: z.string(), message: z.string() })

/** What a function that reads an event's topic has done with the event. Times are ISO 8601, UTC. */
export const tracedReaderSchema = z.strictObject({
  function: z.string(),
  /**
   * `done`: it is finished with it. `waiting`: it comes to it, or to its next try. `running`: a try runs.
   * `dead`: it has failed for good, and the event is in the dead letters.
   */
  state: z.enum(['done', 'waiting', 'running', 'dead']),
  /** The try that runs, or ran last; not there when none is known of. */
  try: z.int().positive().optional(),
  /** Since when it waits, or the try runs. */
  since: z.string().optional(),
  nextTryAt: z.string().optional(),
  /** Why the last try failed. */
  error: failureSchema.optional(),
  deadLetter: z.strictObject({ id: z.string(), retriedAt: z.string().optional() }).optional(),
})
export type TracedReader = z.infer<typeof tracedReaderSchema>

export const tracedEventSchema = z.strictObject({
  id: z.string(),
  type: z.string(),
  /** When it was appended to the log. */
  at: z.string(),
  /** Who made it: the name of a function, or `gateway`, `timers`, `connector`. */
  madeBy: z.string(),
  /** The event that caused it. */
  causedBy: z.string().optional(),
  /** The try of its maker that made it; how long its cause had waited until the first try began, and this try had run. */
  made: z
    .strictObject({ try: z.int().positive(), waitedMs: z.number().optional(), ranMs: z.number() })
    .optional(),
  topic: z.string(),
  partition: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** Its data was too large to travel and is in the object store. */
  isClaimCheck: z.boolean(),
  /** How many records stand for it: the pieces of a stream from one try, or the same event put on the log again. */
  records: z.int().positive(),
  /** When the last of them was appended. */
  lastAt: z.string(),
  readers: z.array(tracedReaderSchema),
})
export type TracedEvent = z.infer<typeof tracedEventSchema>

export const tracedTurnSchema = z.strictObject({
  /** The id of the message that it answers. */
  id: z.string(),
  /** What the history holds of that message; not there for a turn that the assistant began. */
  message: z.strictObject({ text: z.string(), status: z.string(), createdAt: z.string() }).optional(),
  /** How its reply ended; not there as long as none is on the log. */
  reply: z.strictObject({ status: z.string().optional(), at: z.string() }).optional(),
  /** In the order of the log; empty when the log has forgotten them. */
  events: z.array(tracedEventSchema),
})
export type TracedTurn = z.infer<typeof tracedTurnSchema>

export const traceSchema = z.strictObject({
  conversation: z.string(),
  /** Whose it is; not there when the history does not know the conversation. */
  person: z.string().optional(),
  /** Oldest first. */
  turns: z.array(tracedTurnSchema),
  /** There are older turns than those. */
  hasEarlier: z.boolean(),
  /** False when no connector could be asked: the trace then shows waiting events without attempts. */
  knowsTries: z.boolean(),
})
export type Trace = z.infer<typeof traceSchema>

export type TraceRequest = {
  /** A conversation, or a message of one. */
  id: string
  /** At most so many turns of a conversation, the newest. */
  turns: number
}

/** Reads a journey from the log. Errors: `not_found`, those of the bus. */
export type Tracer = (request: TraceRequest) => Promise<Trace>

export const DEFAULT_TRACED_TURNS = 20
export const MAX_TRACED_TURNS = 1_000
