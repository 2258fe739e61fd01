import { Refused, whoAmI } from './api.js'
import { openRoom } from './chat-page.js'
import { places } from './elements.js'
import { sayEverywhere } from './i18n.js'
import { askToSignIn } from './sign-in.js'

const AGAIN_MS = 1_000

/** Signed in already, or by the form; while the gateway is away it is asked again. @returns {Promise<string>} */
async function whoIsHere() {
  for (;;) {
    try {
      return (await whoAmI()).person
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return askToSignIn(places)
      await new Promise(resolve => setTimeout(resolve, AGAIN_MS))
    }
  }
}

sayEverywhere()
openRoom(await whoIsHere())
