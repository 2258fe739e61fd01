import { t } from './i18n.js'

/**
 * The files that go with the next message: selected, dropped on the page, or pasted.
 * @param {{attach: HTMLButtonElement, files: HTMLInputElement, chosen: HTMLElement, draft: HTMLTextAreaElement,
 *   room: HTMLElement}} places
 * @param {() => void} onChange
 */
export function openFilePicker({ attach, files, chosen, draft, room }, onChange) {
  /** @type {File[]} */
  let selected = []

  /** @param {File[]} next */
  const setSelected = next => {
    selected = next
    chosen.hidden = selected.length === 0
    chosen.replaceChildren(...selected.map(chip))
    onChange()
  }
  /** @param {File} file */
  const chip = file => {
    const element = document.createElement('li')
    const name = document.createElement('span')
    name.textContent = file.name
    const remove = document.createElement('button')
    remove.type = 'button'
    remove.textContent = '×'
    remove.setAttribute('aria-label', t('removeFile', { name: file.name }))
    remove.addEventListener('click', () => {
      setSelected(selected.filter(other => other !== file))
      draft.focus()
    })
    element.append(name, remove)
    return element
  }
  /** @param {Iterable<File> | undefined} more */
  const add = more => setSelected([...selected, ...(more ?? [])])

  attach.addEventListener('click', () => files.click())
  files.addEventListener('change', () => {
    add(files.files ?? undefined)
    // After its removal, the same file can be selected again.
    files.value = ''
    draft.focus()
  })
  draft.addEventListener('paste', event => {
    const pasted = event.clipboardData?.files
    if (!pasted?.length) return
    event.preventDefault()
    add(pasted)
  })
  for (const type of ['dragover', 'drop'])
    room.addEventListener(type, event => {
      const { dataTransfer } = /** @type {DragEvent} */ (event)
      if (!dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      if (type === 'drop') add(dataTransfer.files)
    })

  return {
    isEmpty: () => selected.length === 0,
    /** Returns the selected files and clears the selection. */
    takeSelected() {
      const chosenFiles = selected
      setSelected([])
      return chosenFiles
    },
  }
}
