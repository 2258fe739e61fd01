/**
 * The object store: bytes under a key. Drivers: `folder` (embedded).
 *
 * Guarantees of every driver: when `put` resolves the object is whole and durable (kill -9; for the embedded driver
 * also power loss); readers see the old object or the new one, never a part.
 */
export type Objects = {
  /** Keys are `/`-separated words of letters, digits, `.`, `_` and `-`. Errors: `invalid_request` (key), `unavailable`. */
  put(key: string, data: Buffer): Promise<void>
  /** Errors: `not_found`, `unavailable`. */
  get(key: string): Promise<Buffer>
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>
  /** Rejects with `unavailable` and the remedy when the store cannot be used. */
  check(): Promise<void>
}

const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/

export const isObjectKey = (key: string): boolean => key.length <= 512 && KEY.test(key)
