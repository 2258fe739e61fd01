/**
 * Writes the part of ONNX's file format (onnx.proto3, IR version 10) that our graph needs. Large tensors are in a
 * separate file ("external data"), which the runtime maps instead of reading it.
 */
export type OnnxAttribute = number | { float: number }
export type OnnxNode = {
  op: string
  inputs: string[]
  output: string
  domain?: string
  attributes?: Record<string, OnnxAttribute>
}
export type TensorType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'int4'
export type StoredTensor = {
  name: string
  type: TensorType
  dims: readonly number[]
  /** The tensor's bytes, or their place in the external file. */
  at: Uint8Array | { file: string; offset: number; bytes: number }
}
/** A dimension that differs between runs has a name. */
export type ValueInfo = { name: string; type: TensorType; dims: readonly (string | number)[] }
export type OnnxGraph = {
  name: string
  nodes: OnnxNode[]
  tensors: StoredTensor[]
  inputs: ValueInfo[]
  outputs: ValueInfo[]
  opsets: Record<string, number>
}

const IR_VERSION = 10
const dataTypes: Record<TensorType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, int4: 22 }
const EXTERNAL = 1
const FLOAT_ATTRIBUTE = 1
const INT_ATTRIBUTE = 2

export function encodeModel(graph: OnnxGraph): Uint8Array {
  const opsets = Object.entries(graph.opsets).map(([domain, version]) =>
    messageField(8, textField(1, domain), integerField(2, version)),
  )
  return Buffer.concat([integerField(1, IR_VERSION), messageField(7, ...graphFields(graph)), ...opsets])
}

const graphFields = ({ name, nodes, tensors, inputs, outputs }: OnnxGraph): Uint8Array[] => [
  ...nodes.map(nodeField),
  textField(2, name),
  ...tensors.map(tensorField),
  ...inputs.map(port => valueInfoField(11, port)),
  ...outputs.map(port => valueInfoField(12, port)),
]

const nodeField = ({ op, inputs, output, domain = '', attributes = {} }: OnnxNode): Uint8Array =>
  messageField(
    1,
    ...inputs.map(input => textField(1, input)),
    textField(2, output),
    textField(4, op),
    ...Object.entries(attributes).map(([name, value]) => attributeField(name, value)),
    textField(7, domain),
  )

const attributeField = (name: string, value: OnnxAttribute): Uint8Array =>
  typeof value === 'number'
    ? messageField(5, textField(1, name), integerField(3, value), integerField(20, INT_ATTRIBUTE))
    : messageField(5, textField(1, name), floatField(2, value.float), integerField(20, FLOAT_ATTRIBUTE))

function tensorField({ name, type, dims, at }: StoredTensor): Uint8Array {
  const shape = dims.map(dim => integerField(1, dim))
  const head = [...shape, integerField(2, dataTypes[type]), textField(8, name)]
  if (at instanceof Uint8Array) return messageField(5, ...head, bytesField(9, at))
  const place = { location: at.file, offset: at.offset, length: at.bytes }
  const entries = Object.entries(place).map(([key, value]) =>
    messageField(13, textField(1, key), textField(2, `${value}`)),
  )
  return messageField(5, ...head, ...entries, integerField(14, EXTERNAL))
}

function valueInfoField(field: number, { name, type, dims }: ValueInfo): Uint8Array {
  const shape = dims.map(dim =>
    messageField(1, typeof dim === 'string' ? textField(2, dim) : integerField(1, dim)),
  )
  const tensorType = messageField(1, integerField(1, dataTypes[type]), messageField(2, ...shape))
  return messageField(field, textField(1, name), messageField(2, tensorType))
}

/** The wire types of Protocol Buffers that a graph needs: numbers, fields with a length, and 32-bit floats. */
const VARINT = 0
const LENGTH_DELIMITED = 2
const FIXED_32 = 5

const integerField = (field: number, value: number): Uint8Array =>
  Buffer.concat([varint((field << 3) | VARINT), varint(value)])

function floatField(field: number, value: number): Uint8Array {
  const four = Buffer.alloc(4)
  four.writeFloatLE(value)
  return Buffer.concat([varint((field << 3) | FIXED_32), four])
}

const bytesField = (field: number, value: Uint8Array): Uint8Array =>
  Buffer.concat([varint((field << 3) | LENGTH_DELIMITED), varint(value.length), value])

const textField = (field: number, value: string): Uint8Array => bytesField(field, Buffer.from(value))

const messageField = (field: number, ...fields: Uint8Array[]): Uint8Array =>
  bytesField(field, Buffer.concat(fields))

/** Negative numbers are written as 64-bit two's complement. */
function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value))
  const out: number[] = []
  do {
    const low = Number(rest & 127n)
    rest >>= 7n
    out.push(rest > 0n ? low | 128 : low)
  } while (rest > 0n)
  return Uint8Array.from(out)
}
