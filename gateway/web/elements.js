/** The page's fixed places. */

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
function at(id, type) {
  const element = document.getElementById(id)
  if (element instanceof type) return element
  throw new Error(`the page has no #${id}`)
}

export const places = {
  signIn: at('sign-in', HTMLFormElement),
  token: at('token', HTMLInputElement),
  signInProblem: at('sign-in-problem', HTMLElement),
  house: at('house', HTMLElement),
  veil: at('veil', HTMLElement),
  sidebar: at('sidebar', HTMLElement),
  conversations: at('conversations', HTMLElement),
  newConversation: at('new', HTMLButtonElement),
  newHere: at('new-here', HTMLButtonElement),
  signOut: at('sign-out', HTMLButtonElement),
  menu: at('menu', HTMLButtonElement),
  banner: at('banner', HTMLElement),
  transcript: at('transcript', HTMLElement),
  earlier: at('earlier', HTMLButtonElement),
  welcome: at('welcome', HTMLElement),
  ideas: at('ideas', HTMLElement),
  messages: at('messages', HTMLElement),
  composer: at('composer', HTMLFormElement),
  room: at('room', HTMLElement),
  attach: at('attach', HTMLButtonElement),
  files: at('files', HTMLInputElement),
  chosen: at('chosen', HTMLElement),
  draft: at('draft', HTMLTextAreaElement),
  send: at('send', HTMLButtonElement),
  announcer: at('announcer', HTMLElement),
}
