import type { Readable } from 'node:stream'

/**
 * The object store: bytes under a key. Drivers: `folder` (embedded), `minio` (any S3).
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

/** What people send and keep, of any size: it goes in and out in streams, in bounded memory. */
export type ObjectStore = Objects & {
  /**
   * Takes an object, and keeps it only when all of it has come and is what it says. Errors: `too_large`,
   * `unsupported_media_type` (its content is of another type than declared), `invalid_request`, `unavailable` (also when
   * `data` fails). After an error nothing of it is there, and the object before it still is.
   */
  write(key: string, data: AsyncIterable<Uint8Array>, declared: DeclaredContent): Promise<ObjectMetadata>
  /** The stream fails, at its end at the latest, when the bytes are not those that were written: `failed`. Errors: `not_found`, `unavailable`. */
  read(key: string): Promise<{ metadata: ObjectMetadata; data: Readable }>
  /** Undefined when there is no such object. */
  metadata(key: string): Promise<ObjectMetadata | undefined>
  /** Keys below `prefix` (empty for all), in their order. */
  list(prefix: string): AsyncIterableIterator<string>
  /**
   * An address that gives the object to whoever has it, for `seconds` (at most 7 days), as a download of this name.
   * Undefined from a driver that is reached by nobody but this process: `folder`.
   */
  link(key: string, options: { seconds: number; name: string }): Promise<string | undefined>
  /** Moves objects written before this to cold storage, if one is configured; they are read as before. Gives back how many it moved. */
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
