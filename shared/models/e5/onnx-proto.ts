/**
 * As much of ONNX's file format as a graph of ours needs (onnx.proto3, IR version 10), written and not read. The tensors
 * that are large lie in a file beside it ("external data"), which the runtime maps instead of reading it.
 */
export type Attribute = number | { float: number }
export type Node = {
  op: string
  inputs: string[]
  output: string
  domain?: string
  attributes?: Record<string, Attribute>
}
export type TensorType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'int4'
export type StoredTensor = {
  name: string
  type: TensorType
  dims: readonly number[]
  /** Its bytes, or where they are in the file beside. */
  at: Uint8Array | { file: string; offset: number; bytes: number }
}
/** A dimension that differs from run to run has a name. */
export type Port = { name: string; type: TensorType; dims: readonly (string | number)[] }
export type Graph = {
  name: string
  nodes: Node[]
  tensors: StoredTensor[]
  inputs: Port[]
  outputs: Port[]
  opsets: Record<string, number>
}

const IR_VERSION = 10
const dataTypes: Record<TensorType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, int4: 22 }
const EXTERNAL = 1
const FLOAT_ATTRIBUTE = 1
const INT_ATTRIBUTE = 2

export function encodeModel(graph: Graph): Uint8Array {
  const opsets = Object.entries(graph.opsets).map(([domain, version]) =>
    message(8, text(1, domain), integer(2, version)),
  )
  return Buffer.concat([integer(1, IR_VERSION), message(7, ...graphFields(graph)), ...opsets])
}

const graphFields = ({ name, nodes, tensors, inputs, outputs }: Graph): Uint8Array[] => [
  ...nodes.map(nodeField),
  text(2, name),
  ...tensors.map(tensorField),
  ...inputs.map(port => portField(11, port)),
  ...outputs.map(port => portField(12, port)),
]

const nodeField = ({ op, inputs, output, domain = '', attributes = {} }: Node): Uint8Array =>
  message(
    1,
    ...inputs.map(input => text(1, input)),
    text(2, output),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => attributeField(name, value)),
    text(7, domain),
  )

const attributeField = (name: string, value: Attribute): Uint8Array =>
  typeof value === 'number'
    ? message(5, text(1, name), integer(3, value), integer(20, INT_ATTRIBUTE))
    : message(5, text(1, name), float(2, value.float), integer(20, FLOAT_ATTRIBUTE))

function tensorField({ name, type, dims, at }: StoredTensor): Uint8Array {
  const shape = dims.map(dim => integer(1, dim))
  const head = [...shape, integer(2, dataTypes[type]), text(8, name)]
  if (at instanceof Uint8Array) return message(5, ...head, bytes(9, at))
  const place = { location: at.file, offset: at.offset, length: at.bytes }
  const entries = Object.entries(place).map(([key, value]) => message(13, text(1, key), text(2, `${value}`)))
  return message(5, ...head, ...entries, integer(14, EXTERNAL))
}

function portField(field: number, { name, type, dims }: Port): Uint8Array {
  const shape = dims.map(dim => message(1, typeof dim === 'string' ? text(2, dim) : integer(1, dim)))
  const tensorType = message(1, integer(1, dataTypes[type]), message(2, ...shape))
  return message(field, text(1, name), message(2, tensorType))
}

/** Protocol buffers know four kinds of fields; these are numbers, and what has a length. */
const VARINT = 0
const LENGTH = 2
const FIXED_32 = 5

const integer = (field: number, value: number): Uint8Array =>
  Buffer.concat([varint((field << 3) | VARINT), varint(value)])

function float(field: number, value: number): Uint8Array {
  const four = Buffer.alloc(4)
  four.writeFloatLE(value)
  return Buffer.concat([varint((field << 3) | FIXED_32), four])
}

const bytes = (field: number, value: Uint8Array): Uint8Array =>
  Buffer.concat([varint((field << 3) | LENGTH), varint(value.length), value])

const text = (field: number, value: string): Uint8Array => bytes(field, Buffer.from(value))

const message = (field: number, ...fields: Uint8Array[]): Uint8Array => bytes(field, Buffer.concat(fields))

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
