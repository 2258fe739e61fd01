import { HttpError, listMessages } from './api.js'
import { followConversation } from './event-feed.js'
import { createTranscript } from './transcript.js'

/**
 * One conversation, open on the page.
 * @typedef {import('./api.js').Row} Row
 * @typedef {import('./send-queue.js').Pending} Pending
 */

/**
 * @param {string} id
 * @param {{isNew: boolean}} options
 * @param {{
 *   onChange(options?: {toEnd?: boolean}): void,
 *   onReply(row: Row): void,
 *   onConnected(isConnected: boolean): void,
 *   onGivenUp(): void,
 * }} events
 */
export function openConversation(id, { isNew }, events) {
  const transcript = createTranscript()
  let isWhole = isNew
  let isListed = isNew
  let isClosed = false
  /** @type {ReturnType<typeof followConversation> | undefined} */
  let feed

  /** The list and the event stream may bring the same row, in either order. */
  async function loadLatest() {
    try {
      const page = await listMessages(id)
      if (isClosed) return
      for (const row of page.messages) transcript.addRow(row)
      if (!isListed) ({ isWhole } = page)
      events.onChange({ toEnd: !isListed })
      isListed = true
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 404) return
      // The conversation has no messages yet; it begins with the first one.
      feed?.close()
      feed = undefined
      isListed = true
      isWhole = true
      events.onChange()
    }
  }

  function follow() {
    feed ??= followConversation(id, {
      onOpen() {
        events.onConnected(true)
        void loadLatest()
      },
      onRow(row) {
        transcript.addRow(row)
        events.onChange()
        if (row.role === 'assistant') events.onReply(row)
      },
      onChunk(chunk) {
        transcript.addChunk(chunk)
        events.onChange()
      },
      onStage(stage) {
        transcript.addStage(stage)
        events.onChange()
      },
      onLost(isGivenUp) {
        events.onConnected(false)
        if (isGivenUp) events.onGivenUp()
      },
    })
  }

  if (!isNew) {
    void loadLatest()
    follow()
  }

  return {
    id,
    /** @param {Pending[]} pending */
    items: pending => transcript.items(pending),
    /**
     * Adds a message that the gateway has accepted. A new conversation exists from now on.
     * @param {Row} row
     * @param {{key: string, files?: string[] | undefined}} sent
     */
    addAccepted(row, sent) {
      transcript.addRow(row, sent)
      follow()
    },
    /** Whether the page knows the conversation's messages. */
    isListed: () => isListed,
    hasEarlier: () => isListed && !isWhole,
    lastAt: () => transcript.lastAt(),
    async loadEarlier() {
      const page = await listMessages(id, transcript.firstId())
      for (const row of page.messages) transcript.addRow(row)
      ;({ isWhole } = page)
      events.onChange()
    },
    /** Reconnects after the page was asleep or offline. */
    reconnect: () => feed?.reconnect(),
    close() {
      isClosed = true
      feed?.close()
    },
  }
}
