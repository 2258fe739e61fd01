/**
 * Follows a conversation's events. The browser reconnects by itself and resumes at its last event. When the browser
 * gives up, for example after a proxy's error, the feed starts again.
 *
 * @typedef {import('./api.js').Row} Row
 * @typedef {{message: string, offset: number, text: string}} Chunk
 * @typedef {{
 *   message: string,
 *   stage: 'understanding' | 'remembering' | 'thinking' | 'writing' | 'using',
 *   skill?: string,
 * }} Stage
 */

const RECONNECT_DELAY_MS = 2_000

/**
 * @param {string} conversation
 * @param {{
 *   onOpen(): void,
 *   onRow(row: Row): void,
 *   onChunk(chunk: Chunk): void,
 *   onStage(stage: Stage): void,
 *   onLost(isGivenUp: boolean): void,
 * }} events
 */
export function followConversation(conversation, events) {
  /** @type {EventSource | undefined} */
  let source
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  let lastEventId = ''

  /** @param {string} name @param {(data: any) => void} handle */
  const on = (name, handle) =>
    source?.addEventListener(name, event => {
      if (event.lastEventId) ({ lastEventId } = event)
      handle(JSON.parse(event.data))
    })

  const connect = () => {
    clearTimeout(timer)
    source?.close()
    const query = lastEventId ? `?lastEventId=${lastEventId}` : ''
    source = new EventSource(`/api/conversations/${encodeURIComponent(conversation)}/events${query}`)
    source.addEventListener('open', events.onOpen)
    on('message', events.onRow)
    on('stream', events.onChunk)
    on('stage', events.onStage)
    source.addEventListener('error', () => {
      const isGivenUp = source?.readyState === EventSource.CLOSED
      if (isGivenUp) timer = setTimeout(connect, RECONNECT_DELAY_MS)
      events.onLost(isGivenUp)
    })
  }

  connect()
  return {
    /** Reconnects a page that was asleep, because its connection may be dead without an error. */
    reconnect: connect,
    close() {
      clearTimeout(timer)
      source?.close()
    },
  }
}
