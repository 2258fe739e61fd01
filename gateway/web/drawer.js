/**
 * Shows the list of conversations as a drawer on a narrow screen.
 * @param {{layout: HTMLElement, menu: HTMLElement, veil: HTMLElement, sidebar: HTMLElement}} places
 */
export function openDrawer({ layout, menu, veil, sidebar }) {
  const isNarrow = matchMedia('(max-width: 799px)')

  /** @param {boolean} isOpen */
  const setOpen = isOpen => {
    layout.classList.toggle('has-drawer', isOpen)
    menu.setAttribute('aria-expanded', String(isOpen))
    // A hidden sidebar is also unreachable for the keyboard and for screen readers.
    sidebar.inert = isNarrow.matches && !isOpen
  }
  const close = () => setOpen(false)

  menu.addEventListener('click', () => {
    setOpen(true)
    sidebar.querySelector('button')?.focus()
  })
  veil.addEventListener('click', close)
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || !layout.classList.contains('has-drawer')) return
    close()
    menu.focus()
  })
  isNarrow.addEventListener('change', close)
  close()
  return { close }
}
