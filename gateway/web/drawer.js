/**
 * On a narrow screen the list of conversations is a drawer.
 * @param {{layout: HTMLElement, menu: HTMLElement, veil: HTMLElement, sidebar: HTMLElement}} places
 */
export function openDrawer({ layout, menu, veil, sidebar }) {
  const isNarrow = matchMedia('(max-width: 799px)')

  /** @param {boolean} isOpen */
  const setOpen = isOpen => {
    layout.classList.toggle('has-drawer', isOpen)
    menu.setAttribute('aria-expanded', String(isOpen))
    // Out of sight is out of reach, for the keyboard and for readers too.
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
