/**
 * The key ring: people's keys, each wrapped by a master key. It is kept apart from what the keys open, so that a copy of
 * the data alone opens nothing, and a key that is destroyed here is gone for every copy of the data. Drivers: `sqlite`,
 * `postgres`.
 *
 * Guarantees of every driver: what a call has resolved survives kill -9 and power loss; each call is one transaction; a
 * person has one key at a time; ids are never used again. Errors of all calls: `unavailable`.
 */
export type KeyRing = {
  /** Adds a key, unless the person has one; gives back the one that is in place. */
  add(entry: KeyRingEntry): Promise<KeyRingEntry>
  byPerson(person: string): Promise<KeyRingEntry | undefined>
  byId(id: string): Promise<KeyRingEntry | undefined>
  all(): Promise<KeyRingEntry[]>
  /** Replaces the wrapping of a key that is still there. */
  rewrap(entry: Pick<KeyRingEntry, 'id' | 'wrapped' | 'master'>): Promise<void>
  /** Destroys a person's key; false when there was none. When it resolves, no byte of it is left in the ring's files. */
  destroy(person: string): Promise<boolean>
  /** Keeps how far something has come that is kept elsewhere (the audit log), unless it is known to be further. */
  setAnchor(name: string, sequence: number, hash: string): Promise<void>
  getAnchor(name: string): Promise<Anchor | undefined>
  check(): Promise<void>
  close(): Promise<void>
}

export type KeyRingEntry = {
  /** Empty for the system key, which opens data that belongs to nobody. */
  person: string
  id: string
  /** The master key that wrapped it. */
  master: string
  /** The key, wrapped, in base64. */
  wrapped: string
  /** ISO 8601, UTC. */
  createdAt: string
}

export type Anchor = { sequence: number; hash: string }
