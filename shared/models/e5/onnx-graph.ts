import { encodeModel, type OnnxNode, type StoredTensor, type TensorType } from './onnx-proto.ts'
import { outliers } from './outlier-channels.ts'
import { BLOCK_SIZE, type Me5File } from './weights-file.ts'

/** Takes the large tensors in order: `begin` returns the next one's offset, then `write` takes its bytes. */
export type TensorSink = { file: string; begin(): number; write(bytes: Uint8Array): Promise<void> }

const MICROSOFT = 'com.microsoft'
const EPSILON = { float: 1e-12 }
/** The rows of the word embeddings that are in memory at once while they are written. */
const ROWS_AT_ONCE = 8192

/**
 * Writes the tensors of multilingual-e5-small to `sink` and returns the ONNX graph over them. Inputs are int64
 * `input_ids` and `attention_mask` (b, s). The output is float32 `sentence_embedding` (b, hidden), mean-pooled and of
 * length 1. The encoder uses 8 bits, and quantizes activations when it runs. The word embeddings keep their 4 bits.
 */
export async function buildGraph(model: Me5File, sink: TensorSink): Promise<Uint8Array> {
  const { hidden, heads, layers, inner } = model
  const nodes: OnnxNode[] = []
  const tensors: StoredTensor[] = []

  const node = (op: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}) => {
    nodes.push({ op, inputs, output, attributes })
    return output
  }
  const fusedNode = (
    op: string,
    inputs: string[],
    output: string,
    attributes: OnnxNode['attributes'] = {},
  ) => {
    nodes.push({ op, inputs, output, attributes, domain: MICROSOFT })
    return output
  }
  const constant = (name: string, value: number) =>
    tensors.push({ name, type: 'int64', dims: [1], at: bytesOf(BigInt64Array.of(BigInt(value))) })

  async function store(name: string, type: TensorType, dims: number[], parts: Iterable<Uint8Array>) {
    const offset = sink.begin()
    let bytes = 0
    for (const part of parts) {
      await sink.write(part)
      bytes += part.length
    }
    tensors.push({ name, type, dims, at: { file: sink.file, offset, bytes } })
    return name
  }
  const floats = (name: string, dims: number[], values = model.floats(name)) =>
    store(name, 'float32', dims, [bytesOf(values)])

  /** The input of a quantized product, scaled down in its outlier channels. Several products may share it. */
  async function removeOutliers(input: string, size: number) {
    const outlierScales = outliers[input]
    if (!outlierScales) return input
    const even = `${input}.even`
    if (nodes.some(({ output }) => output === even)) return even
    const inverseScales = Float32Array.from(
      { length: size },
      (_, channel) => 1 / (outlierScales[channel] ?? 1),
    )
    return node('Mul', [input, await floats(`${input}.shares`, [size], inverseScales)], even)
  }

  async function linear(input: string, name: string, columns: number, rows: number, output: string) {
    const { weights, steps } = quantize(model, `${name}.w`, columns, rows, outliers[input])
    const weight = await store(`${name}.w`, 'int8', [columns, rows], [bytesOf(weights)])
    const scale = await floats(`${name}.w.scale`, [rows], steps)
    const bias = await floats(`${name}.b`, [rows])
    const even = await removeOutliers(input, columns)
    return fusedNode('DynamicQuantizeMatMul', [even, weight, scale, '', bias], output)
  }

  async function norm(name: string) {
    return [await floats(`${name}.w`, [hidden]), await floats(`${name}.b`, [hidden])]
  }

  async function layer(l: string, x: string) {
    for (const part of ['q', 'k', 'v']) await linear(x, l + part, hidden, hidden, l + part)
    const parts = [`${l}q`, `${l}k`, `${l}v`, '', 'mask']
    const attended = fusedNode('MultiHeadAttention', parts, `${l}attended`, { num_heads: heads })
    const out = await linear(attended, `${l}ao`, hidden, hidden, `${l}out`)
    const skip = { epsilon: EPSILON }
    const first = await norm(`${l}aln`)
    const middle = fusedNode('SkipLayerNormalization', [x, out, ...first], `${l}middle`, skip)
    const wide = fusedNode('Gelu', [await linear(middle, `${l}fi`, hidden, inner, `${l}wide`)], `${l}gelu`)
    const narrow = await linear(wide, `${l}fo`, inner, hidden, `${l}narrow`)
    const second = await norm(`${l}oln`)
    return fusedNode('SkipLayerNormalization', [middle, narrow, ...second], `${l}x`, skip)
  }

  await store('words', 'int4', [model.rows, hidden], packWordEmbeddings(model))
  await floats('words.scale', [model.rows, hidden / BLOCK_SIZE], model.blocks('emb.word').scales)
  const positions = positionEmbeddings(model)
  await floats('positions', [positions.length / hidden, hidden], positions)
  constant('zero', 0)
  constant('one', 1)
  constant('last', -1)
  const gather = { gather_axis: 0, quantize_axis: 1, block_size: BLOCK_SIZE }
  fusedNode('GatherBlockQuantized', ['words', 'input_ids', 'words.scale'], 'word', gather)
  node('Shape', ['input_ids'], 'length', { start: 1, end: 2 })
  node('Slice', ['positions', 'zero', 'length', 'zero'], 'position')
  node('Add', ['word', 'position'], 'embedded')
  const first = ['embedded', ...(await norm('emb.ln'))]
  let x = node('LayerNormalization', first, 'x', { axis: -1, epsilon: EPSILON })
  node('Cast', ['attention_mask'], 'mask', { to: 6 })
  for (let i = 0; i < layers; i++) x = await layer(`l${i}.`, x)
  node('Cast', ['attention_mask'], 'float_mask', { to: 1 })
  node('Unsqueeze', ['float_mask', 'last'], 'column')
  node('Mul', [x, 'column'], 'kept')
  node('ReduceSum', ['kept', 'one'], 'sum', { keepdims: 0 })
  node('LpNormalization', ['sum'], 'sentence_embedding', { axis: -1, p: 2 })
  return encodeModel({
    name: 'multilingual-e5-small',
    nodes,
    tensors,
    inputs: ['input_ids', 'attention_mask'].map(name => ({ name, type: 'int64', dims: ['b', 's'] })),
    outputs: [{ name: 'sentence_embedding', type: 'float32', dims: ['b', hidden] }],
    opsets: { '': 21, [MICROSOFT]: 1 },
  })
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)

/** Converts weights stored in four bits to eight bits with one scale for each output; the layout is (columns, rows). */
function quantize(
  model: Me5File,
  name: string,
  columns: number,
  rows: number,
  outlierScales: Readonly<Record<number, number>> = {},
) {
  const { scales, nibbles } = model.blocks(name)
  const weights = new Int8Array(columns * rows)
  const steps = new Float32Array(rows)
  const dense = new Float32Array(columns)
  for (let row = 0; row < rows; row++) {
    let largest = 0
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column
      dense[column] = (nibbles[at]! - 8) * scales[(at / BLOCK_SIZE) | 0]! * (outlierScales[column] ?? 1)
      largest = Math.max(largest, Math.abs(dense[column]!))
    }
    steps[row] = largest / 127
    for (let column = 0; column < columns; column++)
      weights[column * rows + row] = roundHalfToEven(Math.fround(dense[column]! / steps[row]!))
  }
  return { weights, steps }
}

/**
 * Rounds as the reference (numpy) does. Halves are common here, since most scales of a row are close to its largest.
 */
function roundHalfToEven(value: number): number {
  const up = Math.round(value)
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up
}

/**
 * Two's complement of value - 8, with the even value of each pair in the low half, as GatherBlockQuantized reads it.
 */
function* packWordEmbeddings({ blocks, rows, hidden }: Me5File): Generator<Uint8Array> {
  const perRow = hidden / BLOCK_SIZE
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, rows - row)
    const { nibbles } = blocks('emb.word', row * perRow, count * perRow)
    const packed = new Uint8Array(nibbles.length / 2)
    for (let i = 0; i < packed.length; i++)
      packed[i] = (nibbles[2 * i]! ^ 8) | ((nibbles[2 * i + 1]! ^ 8) << 4)
    yield packed
  }
}

/** The embedding of each position, plus that of the first of two texts; added to every word. */
function positionEmbeddings({ floats, hidden }: Me5File): Float32Array {
  const types = floats('emb.type')
  return floats('emb.pos').map((value, i) => value + types[i % hidden]!)
}
