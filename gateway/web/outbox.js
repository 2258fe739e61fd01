import { newId, Refused, sendMessage } from './api.js'

/**
 * Messages that the gateway has not acknowledged. They are kept in the browser, so that neither a lost connection nor
 * a closed page loses them, and each is sent under its own key, so that sending again doubles nothing.
 *
 * @typedef {{key: string, conversation: string, text: string, createdAt: string, problem?: string}} Pending
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
  const remove = key => update(pending => pending.filter(item => item.key !== key))

  /** @param {Pending} pending */
  async function deliver(pending) {
    try {
      const { id } = await sendMessage(pending)
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
    if (refused && !refused.isPassing)
      return update(items =>
        items.map(item => (item.key === pending.key ? { ...item, problem: refused.message } : item)),
      )
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
    /** @param {string} conversation @param {string} text */
    add(conversation, text) {
      const createdAt = new Date().toISOString()
      update(pending => [...pending, { key: newId(), conversation, text, createdAt }])
      void sendAll()
    },
    /** Under a new key: what was refused may have been refused for its key. @param {string} key */
    retry(key) {
      update(pending =>
        pending.map(item => (item.key === key ? { ...item, key: newId(), problem: undefined } : item)),
      )
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
