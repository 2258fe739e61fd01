import { endianness } from 'node:os'
import { LaresError } from '../../../shared/base/errors.ts'

const BYTES_PER_VALUE = 4
/**
 * Qdrant leaves a vector unchanged when its length is this near to 1. So does this code, or the values would change at
 * each copy.
 */
const UNIT_LENGTH_TOLERANCE = 1e-6

/** Encodes a vector's direction alone: all stores search by direction, and some keep nothing else. */
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
