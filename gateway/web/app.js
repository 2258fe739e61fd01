import { HttpError, whoAmI } from './api.js'
import { openChatPage } from './chat-page.js'
import { elements } from './elements.js'
import { translatePage } from './i18n.js'
import { showSignIn } from './sign-in.js'

const RETRY_DELAY_MS = 1_000

/**
 * Uses the existing session or shows the sign-in form. Retries while the gateway is unreachable.
 * @returns {Promise<string>}
 */
async function ensureSignedIn() {
  for (;;) {
    try {
      return (await whoAmI()).person
    } catch (error) {
      if (error instanceof HttpError && error.status === 401) return showSignIn(elements)
      await new Promise(resolve => setTimeout(resolve, RETRY_DELAY_MS))
    }
  }
}

translatePage()
openChatPage(await ensureSignedIn())
