/** The page's fixed elements. */

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
function elementById(id, type) {
  const element = document.getElementById(id)
  if (element instanceof type) return element
  throw new Error(`the page has no #${id}`)
}

export const elements = {
  signIn: elementById('sign-in', HTMLFormElement),
  token: elementById('token', HTMLInputElement),
  signInProblem: elementById('sign-in-problem', HTMLElement),
  layout: elementById('layout', HTMLElement),
  veil: elementById('veil', HTMLElement),
  sidebar: elementById('sidebar', HTMLElement),
  conversations: elementById('conversations', HTMLElement),
  newConversation: elementById('new', HTMLButtonElement),
  newHere: elementById('new-here', HTMLButtonElement),
  signOut: elementById('sign-out', HTMLButtonElement),
  menu: elementById('menu', HTMLButtonElement),
  banner: elementById('banner', HTMLElement),
  transcript: elementById('transcript', HTMLElement),
  earlier: elementById('earlier', HTMLButtonElement),
  welcome: elementById('welcome', HTMLElement),
  ideas: elementById('ideas', HTMLElement),
  messages: elementById('messages', HTMLElement),
  composer: elementById('composer', HTMLFormElement),
  room: elementById('room', HTMLElement),
  attach: elementById('attach', HTMLButtonElement),
  files: elementById('files', HTMLInputElement),
  chosen: elementById('chosen', HTMLElement),
  draft: elementById('draft', HTMLTextAreaElement),
  send: elementById('send', HTMLButtonElement),
  announcer: elementById('announcer', HTMLElement),
}
