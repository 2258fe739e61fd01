/**
 * The tokenizer of XLM-RoBERTa (SentencePiece, unigram), over the vocabulary that `weights-file.ts` reads from the
 * model. It keeps the vocabulary as its original bytes: 250,002 pieces cost some 15 MB, while a trie of strings takes a
 * million objects.
 */
export type Tokenizer = {
  /** The ids of a text between `<s>` and `</s>`, at most `maxTokens` including these two. */
  encode(text: string, maxTokens: number): number[]
  /** All ids of a text, without `<s>` and `</s>`. */
  encodeContent(text: string): number[]
  /** `<s>` and `</s>`. */
  boundaryIds: readonly [number, number]
}

export type Vocabulary = {
  /** The ids of `<s>`, of `</s>` and of text that no piece covers. */
  bos: number
  eos: number
  unknown: number
  /** The pieces in UTF-8, one after the other; piece i is from `pieceOffsets[i]` to `pieceOffsets[i + 1]`. */
  pieces: Uint8Array
  pieceOffsets: Uint32Array
  /** The logarithm of each piece's probability. */
  scores: Float32Array
  /** The normalised form of a code point before the lookup, if the two differ. */
  replacements: ReadonlyMap<number, readonly number[]>
}

const SPACE = 0x20
const SPACE_MARK = 0x2581
/** How far an unknown character scores below the rarest piece (SentencePiece's kUnkPenalty). */
const UNKNOWN_PENALTY = 10

export function openTokenizer(vocabulary: Vocabulary): Tokenizer {
  const { bos, eos, unknown, scores } = vocabulary
  const find = indexPieces(vocabulary)
  const { longest, lowest } = extremes(vocabulary)
  const unknownScore = Math.fround(lowest - UNKNOWN_PENALTY)

  /**
   * The best split of the text into pieces. Scores are added in 32 bits, as the model's authors did, so that ties are
   * decided alike.
   */
  function encodeContent(text: string): number[] {
    const { bytes, starts } = toBytes(normalize(text, vocabulary.replacements))
    const count = starts.length - 1
    const best = new Float32Array(count + 1).fill(Number.NEGATIVE_INFINITY)
    const piece = new Int32Array(count + 1)
    const from = new Int32Array(count + 1)
    best[0] = 0
    for (let i = 0; i < count; i++) {
      const reach = (end: number, id: number, score: number) => {
        const total = Math.fround(best[i]! + score)
        if (total <= best[end]!) return
        best[end] = total
        piece[end] = id
        from[end] = i
      }
      let hash = HASH_START
      let at = starts[i]!
      for (let end = i + 1; end <= count && starts[end]! - starts[i]! <= longest; end++) {
        while (at < starts[end]!) hash = fnv1a(hash, bytes[at++]!)
        const id = find(bytes, starts[i]!, at, hash)
        if (id >= 0 && id !== unknown) reach(end, id, scores[id]!)
      }
      reach(i + 1, unknown, unknownScore)
    }
    const ids: number[] = []
    for (let end = count; end > 0; end = from[end]!) ids.push(piece[end]!)
    return ids.reverse()
  }

  return {
    encodeContent,
    encode: (text, maxTokens) => [bos, ...encodeContent(text).slice(0, maxTokens - 2), eos],
    boundaryIds: [bos, eos],
  }
}

/** The normalised code points: runs of spaces as one, one space before the text, spaces as U+2581. */
function normalize(text: string, replacements: Vocabulary['replacements']): number[] {
  const points = [SPACE]
  for (const character of text.toWellFormed()) {
    const point = character.codePointAt(0)!
    for (const each of replacements.get(point) ?? [point])
      if (each !== SPACE || points.at(-1) !== SPACE) points.push(each)
  }
  return points.map(point => (point === SPACE ? SPACE_MARK : point))
}

/** UTF-8, with the offset of each code point and, last, the end of the text. */
function toBytes(points: number[]): { bytes: Uint8Array; starts: Int32Array } {
  const starts = new Int32Array(points.length + 1)
  points.forEach((point, i) => {
    starts[i + 1] = starts[i]! + (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4)
  })
  return { bytes: Buffer.from(points.map(point => String.fromCodePoint(point)).join('')), starts }
}

const HASH_START = 0x811c9dc5
/** One step of FNV-1a. */
const fnv1a = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193) >>> 0

type FindPiece = (bytes: Uint8Array, start: number, end: number, hash: number) => number

/** Finds a piece by its bytes and their hash; -1 if there is none. Open addressing: half of the table stays free. */
function indexPieces({ pieces, pieceOffsets }: Vocabulary): FindPiece {
  const count = pieceOffsets.length - 1
  const size = 2 ** Math.ceil(Math.log2(count * 2))
  const table = new Int32Array(size).fill(-1)
  const slotOf = (hash: number) => (hash ^ (hash >>> 15)) & (size - 1)
  for (let id = 0; id < count; id++) {
    let hash = HASH_START
    for (let at = pieceOffsets[id]!; at < pieceOffsets[id + 1]!; at++) hash = fnv1a(hash, pieces[at]!)
    let slot = slotOf(hash)
    while (table[slot] !== -1) slot = (slot + 1) & (size - 1)
    table[slot] = id
  }
  const matches = (id: number, bytes: Uint8Array, start: number, end: number) => {
    const first = pieceOffsets[id]!
    if (pieceOffsets[id + 1]! - first !== end - start) return false
    for (let i = start; i < end; i++) if (bytes[i] !== pieces[first + i - start]) return false
    return true
  }
  return (bytes, start, end, hash) => {
    for (let slot = slotOf(hash); table[slot] !== -1; slot = (slot + 1) & (size - 1))
      if (matches(table[slot]!, bytes, start, end)) return table[slot]!
    return -1
  }
}

/** The longest piece, in bytes, and the lowest score. */
function extremes({ pieceOffsets, scores }: Vocabulary): { longest: number; lowest: number } {
  let longest = 0
  let lowest = 0
  for (let id = 0; id < scores.length; id++) {
    longest = Math.max(longest, pieceOffsets[id + 1]! - pieceOffsets[id]!)
    lowest = Math.min(lowest, scores[id]!)
  }
  return { longest, lowest }
}
