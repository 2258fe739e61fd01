import * as z from 'zod'

/** What an operator sees and does, as the gateway's owner-only endpoints give it and the `lares` command reads it. */

export const functionStatusSchema = z.strictObject({
  name: z.string(),
  topics: z.array(z.string()),
  /** Records on the bus that it has not finished. */
  lag: z.int().nonnegative(),
  /** How long the oldest of them has waited, in milliseconds; not there when none waits. */
  oldestMs: z.number().nonnegative().optional(),
  /** Why it cannot be called; not there when it can, or when the gateway has no way to tell. */
  problem: z.string().optional(),
})
export type FunctionStatus = z.infer<typeof functionStatusSchema>

/** `problem` is not there when every connector answers. */
export const connectorStatusSchema = z.strictObject({ problem: z.string().optional() })
export type ConnectorStatus = z.infer<typeof connectorStatusSchema>

/** What `GET /api/status` answers. `deadLetters` counts those that nobody has put back. */
export const operationStatusSchema = z.strictObject({
  /** Not there when nothing says where a connector is. */
  connector: connectorStatusSchema.optional(),
  functions: z.array(functionStatusSchema),
  deadLetters: z.int().nonnegative(),
})
export type OperationStatus = z.infer<typeof operationStatusSchema>

export const deadLetterSchema = z.strictObject({
  id: z.string(),
  conversation: z.string(),
  recordedAt: z.string(),
  /** The function that could not handle it, and why. */
  function: z.string(),
  error: z.strictObject({ code: z.string(), message: z.string() }),
  tries: z.int().positive(),
  firstTriedAt: z.string(),
  /** Where it lay on the bus. */
  topic: z.string(),
  partition: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  /** The type of the event; not there when the record was no event. */
  type: z.string().optional(),
  /** When it was last put back. */
  retriedAt: z.string().optional(),
})
export type DeadLetter = z.infer<typeof deadLetterSchema>

/** With the event in CloudEvents' JSON format, or the record's bytes in base64 when it was none. */
export const deadLetterDetailsSchema = deadLetterSchema.extend({
  event: z.record(z.string(), z.unknown()).optional(),
  raw: z.string().optional(),
})
export type DeadLetterDetails = z.infer<typeof deadLetterDetailsSchema>

export type DeadLetters = {
  /** All of them, the newest last. */
  list(): Promise<DeadLetter[]>
  /** Errors: `not_found`. */
  show(id: string): Promise<DeadLetterDetails>
  /**
   * Puts the record back on its topic as it was, under the same event id, and marks it as retried. A crash between the
   * two leaves it unmarked; putting it back again is harmless, as readers tell a duplicate by its id.
   * Errors: `not_found`, those of `Bus.publish`.
   */
  retry(id: string): Promise<DeadLetter>
}

/** A reply that a channel did not take within its limit, or refused for good. */
export const undeliveredReplySchema = z.strictObject({
  channel: z.string(),
  id: z.string(),
  conversation: z.string(),
  person: z.string(),
  reason: z.string(),
  tries: z.int().positive(),
  givenUpAt: z.string(),
  /** Where it lies on the log; not there for what was given up before that was kept. */
  partition: z.int().nonnegative().optional(),
  offset: z.int().nonnegative().optional(),
})
export type UndeliveredReply = z.infer<typeof undeliveredReplySchema>

/** What `GET /api/deliveries` answers: how many replies wait for each channel, and what was given up, the newest first. */
export const deliveriesSchema = z.strictObject({
  channels: z.array(z.strictObject({ name: z.string(), waiting: z.int().nonnegative() })),
  undelivered: z.array(undeliveredReplySchema),
})
