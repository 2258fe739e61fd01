import { HttpError, newId, signOut, whoAmI } from './api.js'
import { openComposer } from './composer.js'
import { openConversation } from './conversation.js'
import { openDrawer } from './drawer.js'
import { elements } from './elements.js'
import { suggestions, t } from './i18n.js'
import { openSendQueue } from './send-queue.js'
import { openSidebar } from './sidebar.js'
import { openTranscriptView } from './transcript-view.js'

/** A page hidden for longer than this reconnects, because its connection may be dead without an error. */
const MAX_HIDDEN_MS = 20_000

/**
 * Opens the page of a signed-in person. A person whose session has ended gets the form, because the page reloads.
 * @param {string} person
 */
export function openChatPage(person) {
  elements.layout.hidden = false
  const drawer = openDrawer(elements)
  const sendQueue = openSendQueue(person, {
    onChange: () => draw(),
    onReached: showConnection,
    onSignedOut: () => location.reload(),
    onAccepted({ key, conversation, text, createdAt, files }, id) {
      if (conversation === active.id)
        active.addAccepted(
          { id, role: 'user', text, inReplyTo: null, createdAt, status: 'queued' },
          { key, files },
        )
      void sidebar.refresh()
    },
  })
  const sidebar = openSidebar(elements.conversations, { current: () => active.id })
  const view = openTranscriptView(
    { scroller: elements.transcript, list: elements.messages },
    { onRetry: key => void sendQueue.retry(key), onDiscard: sendQueue.discard },
  )
  const composer = openComposer(elements, async (text, files) => {
    if (location.hash !== `#${active.id}`) history.pushState(null, '', `#${active.id}`)
    await sendQueue.add(active.id, text, files)
    draw({ toEnd: true })
  })
  const draw = oncePerFrame(({ toEnd = false }) => {
    const items = active.items(sendQueue.of(active.id))
    elements.welcome.hidden = items.length > 0 || !active.isListed()
    elements.earlier.hidden = !active.hasEarlier()
    view.show(items, { toEnd })
    sidebar.seen(active.id, active.lastAt())
  })
  let active = openOrCreate(location.hash.slice(1))

  /** @param {string} given */
  function openOrCreate(given) {
    return openConversation(
      given || newId(),
      { isNew: given === '' },
      {
        onChange: draw,
        onConnected: showConnection,
        onGivenUp: () => void checkSignedIn(),
        onReply(row) {
          elements.announcer.textContent = row.text
          void sidebar.refresh()
        },
      },
    )
  }

  function switchTo(given = '') {
    active.close()
    active = openOrCreate(given)
    elements.announcer.textContent = ''
    sidebar.show()
    drawer.close()
    draw({ toEnd: true })
    composer.focus()
  }

  /** @param {boolean} isReached */
  function showConnection(isReached) {
    elements.banner.hidden = isReached
    elements.banner.textContent = isReached
      ? ''
      : t(sendQueue.of(active.id).length > 0 ? 'offlineWaiting' : 'offline')
  }

  function wake() {
    active.reconnect()
    sendQueue.wake()
    void sidebar.refresh()
  }

  const startNew = () => {
    history.pushState(null, '', '/')
    switchTo()
  }
  elements.newConversation.addEventListener('click', startNew)
  elements.newHere.addEventListener('click', startNew)
  elements.earlier.addEventListener('click', () => void active.loadEarlier())
  elements.signOut.addEventListener('click', () => void signOut().finally(() => location.replace('/')))
  window.addEventListener('popstate', () => switchTo(location.hash.slice(1)))
  onWake(wake)
  showSuggestions(composer.fill)
  draw({ toEnd: true })
  wake()
  composer.focus()
}

async function checkSignedIn() {
  try {
    await whoAmI()
  } catch (error) {
    if (error instanceof HttpError && error.status === 401) location.reload()
  }
}

/** @param {() => void} wake */
function onWake(wake) {
  let hiddenAt = 0
  window.addEventListener('online', wake)
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) hiddenAt = Date.now()
    else if (Date.now() - hiddenAt > MAX_HIDDEN_MS) wake()
  })
}

/** @param {(idea: string) => void} choose */
function showSuggestions(choose) {
  for (const idea of suggestions) {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = idea
    button.addEventListener('click', () => choose(idea))
    elements.ideas.append(button)
  }
}

/**
 * Draws once per frame, however many changes there are.
 * @param {(options: {toEnd?: boolean}) => void} draw
 */
function oncePerFrame(draw) {
  /** @type {{toEnd: boolean} | undefined} */
  let pending
  return ({ toEnd = false } = {}) => {
    const isFirst = pending === undefined
    pending = { toEnd: toEnd || pending?.toEnd === true }
    if (!isFirst) return
    requestAnimationFrame(() => {
      const options = pending ?? {}
      pending = undefined
      draw(options)
    })
  }
}
