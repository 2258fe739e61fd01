import { t } from './i18n.js'
import { renderMarkdown } from './markdown.js'

/** @typedef {import('./transcript.js').Item} Item */

const END_THRESHOLD_PX = 80

/**
 * Shows items in a list. It changes only the items that differ, so that selections and focus stay.
 * @param {{scroller: HTMLElement, list: HTMLElement}} places
 * @param {{onRetry(key: string): void, onDiscard(key: string): void}} events
 */
export function openTranscriptView({ scroller, list }, events) {
  /** @type {Map<string, {element: HTMLElement, shown: string}>} */
  let nodes = new Map()
  let isAtEnd = true
  const goToEnd = () => {
    scroller.scrollTop = scroller.scrollHeight
  }
  scroller.addEventListener('scroll', () => {
    isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < END_THRESHOLD_PX
  })
  // A reader at the end stays at the end when a keyboard or a long draft takes space.
  new ResizeObserver(() => isAtEnd && goToEnd()).observe(scroller)

  /** @param {Item} item */
  const renderedNode = item => {
    const shown = JSON.stringify(item)
    const known = nodes.get(item.key)
    if (known?.shown === shown) return known
    const element = known?.element ?? document.createElement('li')
    renderItem(element, item, events)
    return { element, shown }
  }

  return {
    /** @param {Item[]} items @param {{toEnd?: boolean}} [options] */
    show(items, { toEnd = false } = {}) {
      const next = new Map(items.map(item => [item.key, renderedNode(item)]))
      for (const [key, { element }] of nodes) if (!next.has(key)) element.remove()
      let nextElement = list.firstElementChild
      for (const { element } of next.values()) {
        if (element === nextElement) nextElement = nextElement.nextElementSibling
        else list.insertBefore(element, nextElement)
      }
      nodes = next
      if (toEnd || isAtEnd) goToEnd()
    },
  }
}

/**
 * @param {HTMLElement} element
 * @param {Item} item
 * @param {{onRetry(key: string): void, onDiscard(key: string): void}} events
 */
function renderItem(element, item, events) {
  element.className = `message ${item.role} is-${item.state}`
  element.dataset.state = item.state
  const children = [
    authorLabel(item),
    ...(item.quote ? [paragraph('quote', item.quote)] : []),
    messageBody(item),
  ]
  if (item.state === 'live') children.push(stageLabel(item))
  else children.push(...footnote(item, events))
  element.replaceChildren(...children)
}

/** @param {string} className @param {string} text */
function paragraph(className, text) {
  const element = document.createElement('p')
  element.className = className
  element.textContent = text
  return element
}

/** @param {Item} item */
const authorLabel = ({ role }) => paragraph('unseen', role === 'user' ? t('you') : 'Lares')

/** @param {Item} item */
function messageBody({ role, text, files }) {
  const element = document.createElement('div')
  element.className = 'body'
  element.dir = 'auto'
  if (role === 'user') element.append(...(text === '' ? [] : [text]), ...attachments(text, files))
  else element.append(renderMarkdown(text))
  for (const table of element.querySelectorAll('table')) {
    const frame = document.createElement('div')
    frame.className = 'wide'
    table.replaceWith(frame)
    frame.append(table)
  }
  return element
}

/**
 * A message without words has files, although the history of older messages does not name them.
 * @param {string} text
 * @param {string[]} [files]
 */
const attachments = (text, files = text === '' ? [t('attachment')] : []) =>
  files.map(name => {
    const element = document.createElement('span')
    element.className = 'file'
    element.textContent = name
    return element
  })

/** @param {Item} item */
function stageLabel(item) {
  const name = item.stage?.stage ?? 'thinking'
  const element = paragraph('stage', t(name, { skill: item.stage?.skill ?? '' }))
  element.setAttribute('role', 'status')
  return element
}

/** @param {Item} item @param {{onRetry(key: string): void, onDiscard(key: string): void}} events */
function footnote({ role, state, key, problem }, events) {
  if (state === 'refused')
    return [
      paragraph('note problem', t('notSent') + problem),
      buttons([
        [t('tryAgain'), () => events.onRetry(key)],
        [t('discard'), () => events.onDiscard(key)],
      ]),
    ]
  if (state === 'sending' || state === 'queued') return [paragraph('note', t(state))]
  if (role === 'assistant' && (state === 'failed' || state === 'interrupted'))
    return [paragraph('note', t(state))]
  return []
}

/** @param {[string, () => void][]} actions */
function buttons(actions) {
  const row = document.createElement('div')
  row.className = 'actions'
  for (const [label, act] of actions) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'quiet'
    button.textContent = label
    button.addEventListener('click', act)
    row.append(button)
  }
  return row
}
