import type { Readable } from 'node:stream'

/**
 * The object store: bytes under a key. Drivers: `folder` (embedded), `minio` (any S3).
 *
 * Guarantees of every driver: when `put` resolves, the object is whole and survives kill -9 (embedded driver: also
 * power loss). Readers see the old object or the new one, never a part.
 */
export type Objects = {
  /**
   * Keys are `/`-separated words of letters, digits, `.`, `_` and `-`. Errors: `invalid_request` (key), `unavailable`.
   */
  put(key: string, data: Buffer): Promise<void>
  /** Errors: `not_found`, `unavailable`. */
  get(key: string): Promise<Buffer>
  /** Deleting a missing object is no error. */
  delete(key: string): Promise<void>
  /** Rejects with `unavailable` and the remedy when the store cannot be used. */
  check(): Promise<void>
}

/** Objects of any size, such as files that people send. They are written and read as streams, in bounded memory. */
export type ObjectStore = Objects & {
  /**
   * Stores an object only if all of it has arrived and it matches its declaration. Errors: `too_large`,
   * `unsupported_media_type` (its content is of another type than declared), `invalid_request`, `unavailable` (also if
   * `data` fails). After an error nothing of the new object is stored, and the previous object still is.
   */
  write(key: string, data: AsyncIterable<Uint8Array>, declared: DeclaredContent): Promise<ObjectMetadata>
  /**
   * The stream fails with `failed`, at its end at the latest, if the bytes are not the written ones. Errors:
   * `not_found`, `unavailable`.
   */
  read(key: string): Promise<{ metadata: ObjectMetadata; data: Readable }>
  /** Undefined if the object is missing. */
  metadata(key: string): Promise<ObjectMetadata | undefined>
  /** Keys below `prefix` (empty for all keys), in their order. */
  list(prefix: string): AsyncIterableIterator<string>
  /**
   * A URL that gives the object to anybody who has it, for `seconds` (at most 7 days), as a download of this name.
   * Undefined from a driver that only this process can reach: `folder`.
   */
  link(key: string, options: { seconds: number; name: string }): Promise<string | undefined>
  /**
   * Moves objects written before this time to cold storage, if one is configured; reading them works as before. Returns
   * how many it moved.
   */
  archive(beforeMs: number): Promise<number>
}

export type DeclaredContent = { mediaType: string; maxBytes: number }

export type ObjectMetadata = {
  bytes: number
  /** Hexadecimal. */
  sha256: string
  mediaType: string
  cold: boolean
}

const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/

export const isObjectKey = (key: string): boolean => key.length <= 512 && KEY.test(key)
