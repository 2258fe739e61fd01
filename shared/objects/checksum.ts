import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform } from 'node:stream'
import { LaresError } from '../base/errors.ts'

/**
 * Passes a stream on, and fails at its end if the bytes do not match the checksum. An error of the source becomes
 * `unavailable`.
 */
export function verifyChecksum(source: Readable, key: string, sha256: string): Readable {
  const hash = createHash('sha256')
  const check = new Transform({
    transform(part, _, done) {
      hash.update(part)
      done(null, part)
    },
    flush(done) {
      if (hash.digest('hex') === sha256) return done()
      done(new LaresError('failed', `the object "${key}" is damaged: it is not what was written`))
    },
    // The reader gets the source's error as a `LaresError`.
    destroy(error, done) {
      const known = error === null || error instanceof LaresError
      done(
        known
          ? error
          : new LaresError('unavailable', `the object "${key}" cannot be read: ${error.message}`, {
              cause: error,
            }),
      )
    },
  })
  // The error reaches the reader through `check`, which pipeline destroys with it.
  return pipeline(source, check, () => undefined)
}
