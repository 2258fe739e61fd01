/** A message as the bench loads it: `n` from 1 on is its place and its sequence. */
export type LoadedRow = { n: number; id: string; conversation: string; text: string; createdAt: string }

/** People who talk a lot: half of all messages are theirs. The other half is spread over conversations of 500. */
export const BUSY_CONVERSATIONS = 10
const SPREAD_CONVERSATION_SIZE = 500
const FIRST_MESSAGE_MS = Date.parse('2024-01-01T00:00:00Z')
/** The longest history covers about two years. */
const STEP_MS = 6_000

export const spreadConversationCount = (rows: number): number =>
  Math.max(1, rows / 2 / SPREAD_CONVERSATION_SIZE)

/** Messages of all conversations in turn, as they come in: one conversation's are never neighbours. */
export function* historyRows(rows: number): Generator<LoadedRow> {
  const spread = spreadConversationCount(rows)
  for (let n = 1; n <= rows; n++) {
    const half = n >> 1
    yield {
      n,
      id: scatteredId(n),
      conversation: n % 2 === 0 ? `busy-${half % BUSY_CONVERSATIONS}` : `spread-${half % spread}`,
      text: `message number ${n}, about as long as what people say to an assistant`,
      createdAt: new Date(FIRST_MESSAGE_MS + n * STEP_MS).toISOString(),
    }
  }
}

/** Shaped and scattered like the UUIDs that ids are: each 32 bits of it are a bijection of n (splitmix's multipliers). */
function scatteredId(n: number): string {
  const mixed = (seed: number) => {
    let x = (n ^ seed) >>> 0
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return ((x ^ (x >>> 16)) >>> 0).toString(16).padStart(8, '0')
  }
  const hex = mixed(0) + mixed(1) + mixed(2) + mixed(3)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Tab-separated lines for COPY, some hundred rows at a time. */
export function* copyLines(rows: number, line: (row: LoadedRow) => (string | number)[]): Generator<string> {
  let lines: string[] = []
  for (const row of historyRows(rows)) {
    lines.push(line(row).join('\t'))
    if (lines.length === 500 || row.n === rows) {
      yield `${lines.join('\n')}\n`
      lines = []
    }
  }
}
