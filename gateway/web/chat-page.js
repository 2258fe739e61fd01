import { newId, Refused, signOut, whoAmI } from './api.js'
import { openComposer } from './composer.js'
import { openConversation } from './conversation.js'
import { openDrawer } from './drawer.js'
import { places } from './elements.js'
import { ideas, say } from './i18n.js'
import { openOutbox } from './send-queue.js'
import { openSidebar } from './sidebar.js'
import { openTranscriptView } from './transcript-view.js'

/** After this long out of sight the connection may be dead without knowing it. */
const ASLEEP_MS = 20_000

/** The page of somebody who is signed in. Who no longer is gets the form, by loading the page anew. @param {string} person */
export function openRoom(person) {
  places.house.hidden = false
  const drawer = openDrawer(places)
  const outbox = openOutbox(person, {
    onChange: () => draw(),
    onReached: reached,
    onSignedOut: () => location.reload(),
    onAccepted({ key, conversation, text, createdAt, files }, id) {
      if (conversation === open.id)
        open.accepted(
          { id, role: 'user', text, inReplyTo: null, createdAt, status: 'queued' },
          { key, files },
        )
      void sidebar.refresh()
    },
  })
  const sidebar = openSidebar(places.conversations, { current: () => open.id })
  const view = openTranscriptView(
    { scroller: places.transcript, list: places.messages },
    { onRetry: key => void outbox.retry(key), onDiscard: outbox.discard },
  )
  const composer = openComposer(places, async (text, files) => {
    if (location.hash !== `#${open.id}`) history.pushState(null, '', `#${open.id}`)
    await outbox.add(open.id, text, files)
    draw({ toEnd: true })
  })
  const draw = oncePerFrame(({ toEnd = false }) => {
    const items = open.items(outbox.of(open.id))
    places.welcome.hidden = items.length > 0 || !open.isListed()
    places.earlier.hidden = !open.hasEarlier()
    view.show(items, { toEnd })
    sidebar.seen(open.id, open.lastAt())
  })
  let open = openAt(location.hash.slice(1))

  /** @param {string} given */
  function openAt(given) {
    return openConversation(
      given || newId(),
      { isNew: given === '' },
      {
        onChange: draw,
        onConnected: reached,
        onGivenUp: () => void checkSignedIn(),
        onReply(row) {
          places.announcer.textContent = row.text
          void sidebar.refresh()
        },
      },
    )
  }

  function show(given = '') {
    open.close()
    open = openAt(given)
    places.announcer.textContent = ''
    sidebar.show()
    drawer.close()
    draw({ toEnd: true })
    composer.focus()
  }

  /** @param {boolean} isReached */
  function reached(isReached) {
    places.banner.hidden = isReached
    places.banner.textContent = isReached
      ? ''
      : say(outbox.of(open.id).length > 0 ? 'offlineWaiting' : 'offline')
  }

  function wake() {
    open.wake()
    outbox.wake()
    void sidebar.refresh()
  }

  const startNew = () => {
    history.pushState(null, '', '/')
    show()
  }
  places.newConversation.addEventListener('click', startNew)
  places.newHere.addEventListener('click', startNew)
  places.earlier.addEventListener('click', () => void open.loadEarlier())
  places.signOut.addEventListener('click', () => void signOut().finally(() => location.replace('/')))
  window.addEventListener('popstate', () => show(location.hash.slice(1)))
  onWake(wake)
  offerIdeas(composer.fill)
  draw({ toEnd: true })
  wake()
  composer.focus()
}

async function checkSignedIn() {
  try {
    await whoAmI()
  } catch (error) {
    if (error instanceof Refused && error.status === 401) location.reload()
  }
}

/** @param {() => void} wake */
function onWake(wake) {
  let hiddenAt = 0
  window.addEventListener('online', wake)
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) hiddenAt = Date.now()
    else if (Date.now() - hiddenAt > ASLEEP_MS) wake()
  })
}

/** @param {(idea: string) => void} choose */
function offerIdeas(choose) {
  for (const idea of ideas) {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = idea
    button.addEventListener('click', () => choose(idea))
    places.ideas.append(button)
  }
}

/**
 * However often something changes, it is drawn once for a frame.
 * @param {(options: {toEnd?: boolean}) => void} draw
 */
function oncePerFrame(draw) {
  /** @type {{toEnd: boolean} | undefined} */
  let waiting
  return ({ toEnd = false } = {}) => {
    const isFirst = waiting === undefined
    waiting = { toEnd: toEnd || waiting?.toEnd === true }
    if (!isFirst) return
    requestAnimationFrame(() => {
      const options = waiting ?? {}
      waiting = undefined
      draw(options)
    })
  }
}
