/**
 * The key ring: people's keys, each wrapped by a master key. It is stored apart from the data, so that a copy of the
 * data alone opens nothing. A destroyed key is gone for every copy of the data. Drivers: `sqlite`, `postgres`.
 *
 * Guarantees of every driver: the result of a resolved call survives kill -9 and power loss. Each call is one
 * transaction. A person has one key at a time. Ids are never reused. Errors of all calls: `unavailable`.
 */
export type KeyRing = {
  /** Adds a key, unless the person has one; returns the key that the ring then has. */
  add(entry: KeyRingEntry): Promise<KeyRingEntry>
  byPerson(person: string): Promise<KeyRingEntry | undefined>
  byId(id: string): Promise<KeyRingEntry | undefined>
  all(): Promise<KeyRingEntry[]>
  /** Replaces the wrapping of a key that still exists. */
  rewrap(entry: Pick<KeyRingEntry, 'id' | 'wrapped' | 'master'>): Promise<void>
  /**
   * Destroys a person's key; returns false if there was none. When it resolves, no byte of the key is left in the
   * ring's files.
   */
  destroy(person: string): Promise<boolean>
  /** Records how far an external log (the audit log) has got, unless the ring has a later position already. */
  setAnchor(name: string, sequence: number, hash: string): Promise<void>
  getAnchor(name: string): Promise<Anchor | undefined>
  check(): Promise<void>
  close(): Promise<void>
}

export type KeyRingEntry = {
  /** Empty for the system key, which opens data that belongs to nobody. */
  person: string
  id: string
  /** The id of the master key that wrapped it. */
  master: string
  /** The wrapped key, in base64. */
  wrapped: string
  /** ISO 8601, UTC. */
  createdAt: string
}

export type Anchor = { sequence: number; hash: string }
