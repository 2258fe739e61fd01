import { openFilePicker } from './file-picker.js'

/**
 * The input field, which grows with its text. With a keyboard, Enter sends and Shift+Enter begins a line.
 * @param {{composer: HTMLFormElement, draft: HTMLTextAreaElement, send: HTMLButtonElement}
 *   & Parameters<typeof openFilePicker>[0]} elements
 * @param {(text: string, files: File[]) => void} onSend
 */
export function openComposer(elements, onSend) {
  const { composer, draft, send } = elements
  const hasKeyboard = matchMedia('(hover: hover) and (pointer: fine)')

  const resize = () => {
    send.disabled = draft.value.trim() === '' && filePicker.isEmpty()
    draft.style.height = 'auto'
    draft.style.height = `${draft.scrollHeight}px`
  }

  const filePicker = openFilePicker(elements, () => resize())
  draft.addEventListener('input', resize)
  draft.addEventListener('keydown', event => {
    // An Enter that ends a composition (Chinese, Japanese) selects a word and must not send.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || !hasKeyboard.matches) return
    event.preventDefault()
    composer.requestSubmit()
  })
  composer.addEventListener('submit', event => {
    event.preventDefault()
    const text = draft.value.trim()
    if (text === '' && filePicker.isEmpty()) return
    draft.value = ''
    const files = filePicker.takeSelected()
    onSend(text, files)
    draft.focus()
  })

  return {
    focus: () => hasKeyboard.matches && draft.focus(),
    /** @param {string} text */
    fill(text) {
      draft.value = text
      resize()
      draft.focus()
    },
  }
}
