import * as z from 'zod'

/**
 * The operator's queries and actions. The gateway's owner-only endpoints serve them, and the `lares` command reads
 * them.
 */

export const functionStatusSchema = z.strictObject({
  name: z.string(),
  topics: z.array(z.string()),
  /** Records on the bus that the function has not finished. */
  lag: z.int().nonnegative(),
  /** How long the oldest of them has waited, in milliseconds; absent if none waits. */
  oldestMs: z.number().nonnegative().optional(),
  /** Why the function cannot be called; absent if it can, or if the gateway cannot tell. */
  problem: z.string().optional(),
})
export type FunctionStatus = z.infer<typeof functionStatusSchema>

/** `problem` is absent if every connector answers. */
export const connectorStatusSchema = z.strictObject({ problem: z.string().optional() })
export type ConnectorStatus = z.infer<typeof connectorStatusSchema>

/** The answer of `GET /api/status`. `deadLetters` counts those that nobody has put back. */
export const operationStatusSchema = z.strictObject({
  /** Absent if no connector's address is known. */
  connector: connectorStatusSchema.optional(),
  functions: z.array(functionStatusSchema),
  deadLetters: z.int().nonnegative(),
})
export type OperationStatus = z.infer<typeof operationStatusSchema>

export const deadLetterSchema = z.strictObject({
  id: z.string(),
  conversation: z.string(),
  recordedAt: z.string(),
  /** The function that failed, and the reason. */
  function: z.string(),
  error: z.strictObject({ code: z.string(), message: z.string() }),
  tries: z.int().positive(),
  firstTriedAt: z.string(),
  /** The record's place on the bus. */
  topic: z.string(),
  partition: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  /** The type of the event; absent if the record was not an event. */
  type: z.string().optional(),
  /** When the record was last put back. */
  retriedAt: z.string().optional(),
})
export type DeadLetter = z.infer<typeof deadLetterSchema>

/**
 * A dead letter with its event in CloudEvents' JSON format, or with the record's bytes in base64 if it was not an
 * event.
 */
export const deadLetterDetailsSchema = deadLetterSchema.extend({
  event: z.record(z.string(), z.unknown()).optional(),
  raw: z.string().optional(),
})
export type DeadLetterDetails = z.infer<typeof deadLetterDetailsSchema>

export type DeadLetters = {
  /** All dead letters, the newest last. */
  list(): Promise<DeadLetter[]>
  /** Errors: `not_found`. */
  show(id: string): Promise<DeadLetterDetails>
  /**
   * Puts the record back on its topic unchanged, under the same event id, and marks it as retried. A crash between the
   * two leaves it unmarked. Putting it back again is harmless, because readers recognise a duplicate by its id. Errors:
   * `not_found`, those of `Bus.publish`.
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
  /** The reply's place on the log; absent for older undelivered replies, which were stored without it. */
  partition: z.int().nonnegative().optional(),
  offset: z.int().nonnegative().optional(),
})
export type UndeliveredReply = z.infer<typeof undeliveredReplySchema>

/**
 * The answer of `GET /api/deliveries`: how many replies wait for each channel, and the undelivered ones, newest first.
 */
export const deliveriesSchema = z.strictObject({
  channels: z.array(z.strictObject({ name: z.string(), waiting: z.int().nonnegative() })),
  undelivered: z.array(undeliveredReplySchema),
})
