import { HttpError, newId, sendMessage } from './api.js'
import { t } from './i18n.js'
import { deleteFiles, loadFiles, saveFiles, toAttachments } from './pending-files.js'

/**
 * Messages without the gateway's acknowledgement. The browser keeps them, so that neither a lost connection nor a
 * closed page loses them. Each message is sent under its own key, so that a repeated send creates no duplicate.
 * `files` are names; the browser keeps the files' bytes under the message's key.
 *
 * @typedef {{
 *   key: string,
 *   conversation: string,
 *   text: string,
 *   createdAt: string,
 *   files?: string[],
 *   problem?: string,
 * }} Pending
 */

const MIN_RETRY_DELAY_MS = 500
const MAX_RETRY_DELAY_MS = 10_000

/**
 * @param {string} person
 * @param {{
 *   onChange(): void,
 *   onAccepted(pending: Pending, id: string): void,
 *   onReached(isReached: boolean): void,
 *   onSignedOut(): void,
 * }} events
 */
export function openSendQueue(person, events) {
  const storageKey = `lares.outbox.${person}`
  let queue = readQueue(storageKey)
  let isSending = false
  let retryDelayMs = MIN_RETRY_DELAY_MS
  /** @type {() => void} */
  let retryNow = () => undefined

  /** @param {(pending: Pending[]) => Pending[]} change */
  const update = change => {
    queue = change(queue)
    writeQueue(storageKey, queue)
    events.onChange()
  }
  /** @param {string} key */
  const remove = key => {
    update(pending => pending.filter(item => item.key !== key))
    void deleteFiles(key)
  }
  /** @param {string} key @param {string | undefined} problem */
  const markRefused = (key, problem) =>
    update(items => items.map(item => (item.key === key ? { ...item, problem } : item)))

  /** @param {Pending} pending */
  async function send(pending) {
    const files = pending.files ? await loadFiles(pending.key) : []
    if (!files) return markRefused(pending.key, t('filesGone'))
    try {
      const { id } = await sendMessage({ ...pending, attachments: await toAttachments(files) })
      retryDelayMs = MIN_RETRY_DELAY_MS
      events.onReached(true)
      events.onAccepted(pending, id)
      remove(pending.key)
    } catch (error) {
      await afterFailure(pending, error)
    }
  }

  /** @param {Pending} pending @param {unknown} error */
  async function afterFailure(pending, error) {
    const refused = error instanceof HttpError ? error : undefined
    events.onReached(refused !== undefined)
    if (refused?.status === 401) return events.onSignedOut()
    if (refused && !refused.isRetryable) return markRefused(pending.key, refused.message)
    await Promise.race([
      new Promise(resolve => setTimeout(resolve, Math.max(retryDelayMs, refused?.retryAfterMs ?? 0))),
      new Promise(resolve => {
        retryNow = () => resolve(undefined)
      }),
    ])
    retryDelayMs = Math.min(2 * retryDelayMs, MAX_RETRY_DELAY_MS)
  }

  /** Sends messages one after the other, to keep their order. */
  async function sendAll() {
    if (isSending) return
    isSending = true
    for (let next = nextUnrefused(queue); next; next = nextUnrefused(queue)) await send(next)
    isSending = false
  }

  return {
    /** @param {string} conversation */
    of: conversation => queue.filter(pending => pending.conversation === conversation),
    /** @param {string} conversation @param {string} text @param {File[]} files */
    async add(conversation, text, files) {
      const [key, createdAt] = [newId(), new Date().toISOString()]
      const names = files.map(({ name }) => name)
      // The files are stored before the message, which must not be sent without them.
      if (files.length > 0) await saveFiles(key, files)
      update(pending => [
        ...pending,
        { key, conversation, text, createdAt, ...(names.length > 0 && { files: names }) },
      ])
      void sendAll()
    },
    /** Retries under a new key, because the gateway may have refused the message for its key. @param {string} key */
    async retry(key) {
      const next = newId()
      const files = await loadFiles(key)
      if (files) await saveFiles(next, files)
      update(pending =>
        pending.map(item => (item.key === key ? { ...item, key: next, problem: undefined } : item)),
      )
      void deleteFiles(key)
      void sendAll()
    },
    discard: remove,
    /** Sends the waiting messages now. */
    wake() {
      retryNow()
      void sendAll()
    },
  }
}

/** @param {Pending[]} all */
const nextUnrefused = all => all.find(({ problem }) => problem === undefined)

/** @param {string} storageKey @returns {Pending[]} */
function readQueue(storageKey) {
  try {
    return JSON.parse(localStorage.getItem(storageKey) ?? '[]')
  } catch {
    return []
  }
}

/**
 * Without storage (a private window), messages last as long as the page is open.
 * @param {string} storageKey
 * @param {Pending[]} all
 */
function writeQueue(storageKey, all) {
  try {
    localStorage.setItem(storageKey, JSON.stringify(all))
  } catch (error) {
    console.warn('messages cannot be kept in this browser', error)
  }
}
