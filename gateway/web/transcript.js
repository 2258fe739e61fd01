/**
 * The view of a conversation: the rows of the history and the text of the running turn. Rows may arrive twice, late,
 * and from two sources (the list and the stream); the result is the same.
 *
 * @typedef {import('./api.js').Row} Row
 * @typedef {import('./event-feed.js').Stage} Stage
 * @typedef {import('./event-feed.js').Chunk} Chunk
 * @typedef {import('./send-queue.js').Pending} Pending
 * @typedef {{
 *   key: string,
 *   role: 'user' | 'assistant',
 *   text: string,
 *   state: Row['status'] | 'sending' | 'refused' | 'live',
 *   files?: string[],
 *   quote?: string,
 *   stage?: Stage,
 *   problem?: string,
 * }} Item
 */

/** A status never goes back. @type {Record<Row['status'], number>} */
const STATUS_RANK = { queued: 0, answering: 1, answered: 2, completed: 2, failed: 2, interrupted: 2 }

export function createTranscript() {
  /** @type {Map<string, Row>} */
  const rows = new Map()
  /** Running turns by the message that they answer. @type {Map<string, {text: string, stage?: Stage}>} */
  const liveTurns = new Map()

  /**
   * A row's key and files from before its acceptance, until the history has the row.
   * @type {Map<string, {key: string, files?: string[] | undefined}>}
   */
  const sentById = new Map()

  /** @param {string} message */
  const liveTurn = message => {
    const turn = liveTurns.get(message) ?? { text: '' }
    liveTurns.set(message, turn)
    return turn
  }

  return {
    /** @param {Row} row @param {{key: string, files?: string[] | undefined}} [sent] */
    addRow(row, sent) {
      if (sent) sentById.set(row.id, sent)
      const known = rows.get(row.id)
      if (known && STATUS_RANK[known.status] > STATUS_RANK[row.status]) return
      rows.set(row.id, row)
      if (row.role === 'assistant' && row.inReplyTo !== null) liveTurns.delete(row.inReplyTo)
    },
    /**
     * Adds a chunk. A client that connected late drops a chunk that does not join its text, and waits for the whole
     * text.
     * @param {Chunk} chunk
     */
    addChunk({ message, offset, text }) {
      const turn = liveTurn(message)
      if (offset <= turn.text.length) turn.text = turn.text.slice(0, offset) + text
      turn.stage = { message, stage: 'writing' }
    },
    /** @param {Stage} stage */
    addStage(stage) {
      liveTurn(stage.message).stage = stage
    },
    /** The id of the oldest row; older rows are loaded before it. */
    firstId: () => sortByTime(rows)[0]?.id,
    lastAt: () => sortByTime(rows).at(-1)?.createdAt ?? '',
    /** @param {Pending[]} pending @returns {Item[]} */
    items(pending) {
      const sorted = sortByTime(rows)
      return [
        ...sorted.map((row, index) => ({ ...itemOf(row, sorted, index), ...sentFields(row.id) })),
        ...sorted.flatMap(row => liveItem(row, liveTurns.get(row.id))),
        ...pending.map(pendingItem),
      ]
    },
  }

  /** @param {string} id */
  function sentFields(id) {
    const { key, files } = sentById.get(id) ?? {}
    return { ...(key !== undefined && { key }), ...(files && { files }) }
  }
}

/** @param {Map<string, Row>} rows */
const sortByTime = rows =>
  [...rows.values()].sort((a, b) => (a.createdAt < b.createdAt ? -1 : Number(a.createdAt > b.createdAt)))

/**
 * A reply replaces its streamed text.
 * @param {Row} row @param {Row[]} sorted @param {number} index @returns {Item}
 */
function itemOf(row, sorted, index) {
  const { id, role, text, inReplyTo, status, attachments } = row
  const files = attachments && { files: attachments.map(({ name }) => name) }
  if (role === 'user' || inReplyTo === null) return { key: id, role, text, state: status, ...files }
  const before = sorted.slice(0, index).findLast(other => other.role === 'user')
  const quote = before?.id === inReplyTo ? undefined : sorted.find(other => other.id === inReplyTo)?.text
  return { key: `reply:${inReplyTo}`, role, text, state: status, ...(quote && { quote }) }
}

/** @param {Row} row @param {{text: string, stage?: Stage} | undefined} turn @returns {Item[]} */
function liveItem({ id, status }, turn) {
  if (!turn?.stage || STATUS_RANK[status] === 2) return []
  return [{ key: `reply:${id}`, role: 'assistant', text: turn.text, state: 'live', stage: turn.stage }]
}

/** @param {Pending} pending @returns {Item} */
const pendingItem = ({ key, text, files, problem }) => ({
  ...{ key, role: 'user', text, ...(files && { files }) },
  ...(problem === undefined ? { state: 'sending' } : { state: 'refused', problem }),
})
