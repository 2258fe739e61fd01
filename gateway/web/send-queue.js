import { newId, Refused, sendMessage } from './api.js'
import { say } from './i18n.js'
import { attachmentsFrom, dropFiles, filesOf, keepFiles } from './pending-files.js'

/**
 * Messages that the gateway has not acknowledged. They are kept in the browser, so that neither a lost connection nor
 * a closed page loses them, and each is sent under its own key, so that sending again doubles nothing.
 *
 * @typedef {{key: string, conversation: string, text: string, createdAt: string, files?: string[], problem?: string}} Pending
 * `files` are names; what is in them is kept under the message's key.
 */

const FIRST_WAIT_MS = 500
const LAST_WAIT_MS = 10_000

/**
 * @param {string} person
 * @param {{
 *   onChange(): void,
 *   onAccepted(pending: Pending, id: string): void,
 *   onReached(isReached: boolean): void,
 *   onSignedOut(): void,
 * }} events
 */
export function openOutbox(person, events) {
  const place = `lares.outbox.${person}`
  let all = read(place)
  let isSending = false
  let wait = FIRST_WAIT_MS
  /** @type {() => void} */
  let hurry = () => undefined

  /** @param {(pending: Pending[]) => Pending[]} change */
  const update = change => {
    all = change(all)
    write(place, all)
    events.onChange()
  }
  /** @param {string} key */
  const remove = key => {
    update(pending => pending.filter(item => item.key !== key))
    void dropFiles(key)
  }
  /** @param {string} key @param {string | undefined} problem */
  const refuse = (key, problem) =>
    update(items => items.map(item => (item.key === key ? { ...item, problem } : item)))

  /** @param {Pending} pending */
  async function deliver(pending) {
    const files = pending.files ? await filesOf(pending.key) : []
    if (!files) return refuse(pending.key, say('filesGone'))
    try {
      const { id } = await sendMessage({ ...pending, attachments: await attachmentsFrom(files) })
      wait = FIRST_WAIT_MS
      events.onReached(true)
      events.onAccepted(pending, id)
      remove(pending.key)
    } catch (error) {
      await afterFailure(pending, error)
    }
  }

  /** @param {Pending} pending @param {unknown} error */
  async function afterFailure(pending, error) {
    const refused = error instanceof Refused ? error : undefined
    events.onReached(refused !== undefined)
    if (refused?.status === 401) return events.onSignedOut()
    if (refused && !refused.isPassing) return refuse(pending.key, refused.message)
    await Promise.race([
      new Promise(resolve => setTimeout(resolve, Math.max(wait, refused?.retryAfterMs ?? 0))),
      new Promise(resolve => {
        hurry = () => resolve(undefined)
      }),
    ])
    wait = Math.min(2 * wait, LAST_WAIT_MS)
  }

  /** One after the other: the order in which things were said is kept. */
  async function sendAll() {
    if (isSending) return
    isSending = true
    for (let next = nextOf(all); next; next = nextOf(all)) await deliver(next)
    isSending = false
  }

  return {
    /** @param {string} conversation */
    of: conversation => all.filter(pending => pending.conversation === conversation),
    /** @param {string} conversation @param {string} text @param {File[]} files */
    async add(conversation, text, files) {
      const [key, createdAt] = [newId(), new Date().toISOString()]
      const names = files.map(({ name }) => name)
      // Before the message, which is not to be sent without them.
      if (files.length > 0) await keepFiles(key, files)
      update(pending => [
        ...pending,
        { key, conversation, text, createdAt, ...(names.length > 0 && { files: names }) },
      ])
      void sendAll()
    },
    /** Under a new key: what was refused may have been refused for its key. @param {string} key */
    async retry(key) {
      const next = newId()
      const files = await filesOf(key)
      if (files) await keepFiles(next, files)
      update(pending =>
        pending.map(item => (item.key === key ? { ...item, key: next, problem: undefined } : item)),
      )
      void dropFiles(key)
      void sendAll()
    },
    discard: remove,
    /** Sends what waits, now. */
    wake() {
      hurry()
      void sendAll()
    },
  }
}

/** @param {Pending[]} all */
const nextOf = all => all.find(({ problem }) => problem === undefined)

/** @param {string} place @returns {Pending[]} */
function read(place) {
  try {
    return JSON.parse(localStorage.getItem(place) ?? '[]')
  } catch {
    return []
  }
}

/** Without storage (a private window) messages wait as long as the page is open. @param {string} place @param {Pending[]} all */
function write(place, all) {
  try {
    localStorage.setItem(place, JSON.stringify(all))
  } catch (error) {
    console.warn('messages cannot be kept in this browser', error)
  }
}
