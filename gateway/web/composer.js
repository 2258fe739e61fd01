import { openChosen } from './file-picker.js'

/**
 * The field to write in: it grows with its text. Enter sends where there is a keyboard, Shift+Enter begins a line.
 * @param {{composer: HTMLFormElement, draft: HTMLTextAreaElement, send: HTMLButtonElement}
 *   & Parameters<typeof openChosen>[0]} places
 * @param {(text: string, files: File[]) => void} onSend
 */
export function openComposer(places, onSend) {
  const { composer, draft, send } = places
  const hasKeyboard = matchMedia('(hover: hover) and (pointer: fine)')

  const grow = () => {
    send.disabled = draft.value.trim() === '' && chosen.isEmpty()
    draft.style.height = 'auto'
    draft.style.height = `${draft.scrollHeight}px`
  }

  const chosen = openChosen(places, () => grow())
  draft.addEventListener('input', grow)
  draft.addEventListener('keydown', event => {
    // An Enter that ends a composition (Chinese, Japanese) chooses a word, and sends nothing.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || !hasKeyboard.matches) return
    event.preventDefault()
    composer.requestSubmit()
  })
  composer.addEventListener('submit', event => {
    event.preventDefault()
    const text = draft.value.trim()
    if (text === '' && chosen.isEmpty()) return
    draft.value = ''
    const files = chosen.take()
    onSend(text, files)
    draft.focus()
  })

  return {
    focus: () => hasKeyboard.matches && draft.focus(),
    /** @param {string} text */
    fill(text) {
      draft.value = text
      grow()
      draft.focus()
    },
  }
}
