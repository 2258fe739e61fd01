import { endianness } from 'node:os'
import { LaresError } from '../../../shared/base/errors.ts'

const BYTES_PER_VALUE = 4
/** As Qdrant has it: what is this near to 1 it leaves as it is, and so does this, or it would never come to rest. */
const UNIT_LENGTH_TOLERANCE = 1e-6

/** Of a vector its direction is kept; all stores find by that, and some keep no more. */
export function encodeVector(values: Float32Array): string {
  const square = values.reduce((sum, value) => sum + value * value, 0)
  const length = Math.abs(square - 1) <= UNIT_LENGTH_TOLERANCE ? 1 : Math.sqrt(square)
  const bytes = Buffer.from(values.map(value => value / length).buffer)
  return (endianness() === 'LE' ? bytes : bytes.swap32()).toString('base64')
}

/** Errors: `invalid_request`. */
export function decodeVector(text: string, dimensions: number): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== dimensions * BYTES_PER_VALUE)
    throw new LaresError(
      'invalid_request',
      `a vector has ${bytes.length / BYTES_PER_VALUE} numbers instead of ${dimensions}`,
    )
  const own = new Uint8Array(endianness() === 'LE' ? bytes : bytes.swap32())
  return new Float32Array(own.buffer)
}
