import { endianness } from 'node:os'
import { LaresError } from '../../../shared/base/errors.ts'

const BYTES = 4
/** As Qdrant has it: what is this near to 1 it leaves as it is, and so does this, or it would never come to rest. */
const NEAR = 1e-6

/** Of a vector its direction is kept; all stores find by that, and some keep no more. */
export function toText(values: Float32Array): string {
  const square = values.reduce((sum, value) => sum + value * value, 0)
  const length = Math.abs(square - 1) <= NEAR ? 1 : Math.sqrt(square)
  const bytes = Buffer.from(values.map(value => value / length).buffer)
  return (endianness() === 'LE' ? bytes : bytes.swap32()).toString('base64')
}

/** Errors: `invalid_request`. */
export function fromText(text: string, dimensions: number): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== dimensions * BYTES)
    throw new LaresError(
      'invalid_request',
      `a vector has ${bytes.length / BYTES} numbers instead of ${dimensions}`,
    )
  const own = new Uint8Array(endianness() === 'LE' ? bytes : bytes.swap32())
  return new Float32Array(own.buffer)
}
