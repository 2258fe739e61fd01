import { HttpError, signIn } from './api.js'
import { t } from './i18n.js'

/**
 * Shows the form until a token signs the person in.
 * @param {{signIn: HTMLFormElement, token: HTMLInputElement, signInProblem: HTMLElement}} places
 * @returns {Promise<string>} the person
 */
export function showSignIn({ signIn: form, token, signInProblem }) {
  form.hidden = false
  token.focus()
  return new Promise(resolve => {
    form.addEventListener('submit', async event => {
      event.preventDefault()
      signInProblem.hidden = true
      try {
        const { person } = await signIn(token.value.trim())
        form.hidden = true
        resolve(person)
      } catch (error) {
        const isWrong = error instanceof HttpError && error.status === 401
        signInProblem.textContent = t(isWrong ? 'wrongToken' : 'unreachable')
        signInProblem.hidden = false
      }
    })
  })
}
