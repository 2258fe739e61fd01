import { createHash } from 'node:crypto'

/** The same at every attempt for an event, so that a repeated answer is the same if the model supports it. */
export const seedOf = (eventId: string): number =>
  createHash('sha256').update(eventId).digest().readUInt32BE() & 0x7fffffff
