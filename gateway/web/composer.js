/**
 * The field to write in: it grows with its text. Enter sends where there is a keyboard, Shift+Enter begins a line.
 * @param {{composer: HTMLFormElement, draft: HTMLTextAreaElement, send: HTMLButtonElement}} places
 * @param {(text: string) => void} onSend
 */
export function openComposer({ composer, draft, send }, onSend) {
  const hasKeyboard = matchMedia('(hover: hover) and (pointer: fine)')

  const grow = () => {
    send.disabled = draft.value.trim() === ''
    draft.style.height = 'auto'
    draft.style.height = `${draft.scrollHeight}px`
  }

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
    if (text === '') return
    draft.value = ''
    grow()
    onSend(text)
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
