import { createHash } from 'node:crypto'

/** The same at every try of an event, so that a repeated answer is the same where the model allows it. */
export const seedOf = (eventId: string): number =>
  createHash('sha256').update(eventId).digest().readUInt32BE() & 0x7fffffff
