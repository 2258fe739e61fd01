import { listConversations } from './api.js'
import { t } from './i18n.js'

/** @typedef {import('./api.js').Conversation} Conversation */

const SEEN_KEY = 'lares.seen'
const REFRESH_MS = 20_000

/**
 * The list of conversations, the latest first. A dot marks conversations with messages since the person's last look.
 * @param {HTMLElement} list
 * @param {{current(): string}} page
 */
export function openSidebar(list, page) {
  /** @type {Conversation[]} */
  let conversations = []

  const show = () => {
    const sorted = conversations.toSorted((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
    const seen = readSeen()
    list.replaceChildren(...sorted.map(one => conversationItem(one, page.current(), seen[one.id])))
  }

  async function refresh() {
    ;({ conversations } = await listConversations())
    const seen = readSeen()
    writeSeen(Object.fromEntries(conversations.map(({ id, updatedAt }) => [id, seen[id] ?? updatedAt])))
    show()
  }

  setInterval(() => {
    if (!document.hidden) refresh().catch(logRefreshFailure)
  }, REFRESH_MS)

  return {
    show,
    refresh: () => refresh().catch(logRefreshFailure),
    /** @param {string} conversation @param {string} at */
    seen(conversation, at) {
      const seen = readSeen()
      if (at <= (seen[conversation] ?? '')) return
      writeSeen({ ...seen, [conversation]: at })
      show()
    },
  }
}

/** The banner already shows the lost connection, and the next refresh updates the list. @param {unknown} error */
const logRefreshFailure = error => console.info('the list of conversations was not refreshed', error)

/** @returns {Record<string, string>} */
function readSeen() {
  try {
    return JSON.parse(localStorage.getItem(SEEN_KEY) ?? '{}')
  } catch {
    return {}
  }
}

/** @param {Record<string, string>} seen */
function writeSeen(seen) {
  try {
    localStorage.setItem(SEEN_KEY, JSON.stringify(seen))
  } catch (error) {
    console.info('what was seen cannot be kept in this browser', error)
  }
}

/** @param {Conversation} conversation @param {string} current @param {string} [seen] */
function conversationItem({ id, preview, updatedAt }, current, seen = '') {
  const item = document.createElement('li')
  const link = document.createElement('a')
  link.href = `#${id}`
  const label = document.createElement('span')
  label.className = 'preview'
  label.dir = 'auto'
  label.textContent = stripMarkdown(preview) || t('empty')
  if (id === current) link.setAttribute('aria-current', 'page')
  else if (updatedAt > seen) link.className = 'unread'
  const time = document.createElement('time')
  time.dateTime = updatedAt
  time.textContent = shortTime(updatedAt)
  link.append(label, time)
  item.append(link)
  return item
}

/** Removes the markup of Markdown. @param {string} text */
const stripMarkdown = text => text.replace(/[*_`#>|~]+/g, '').trim()

/** The time of day for today, else the date. @param {string} at */
function shortTime(at) {
  const date = new Date(at)
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday
    ? date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString([], { day: 'numeric', month: 'short' })
}
