import { t } from './i18n.js'
import createPurifier from './vendor/dompurify.js'
import { Marked } from './vendor/marked.js'

/**
 * Renders Markdown as elements. A model's text is foreign, so its HTML appears as literal text. Only these elements and
 * attributes pass, and links open outside. Pictures become links, because loading one would tell its server who reads.
 */

const SANITIZE_OPTIONS = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'a'],
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ],
  ALLOWED_ATTR: ['href', 'title', 'start', 'align'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  // Without this option, every attribute would have to look like an address.
  ADD_URI_SAFE_ATTR: ['title', 'start', 'align'],
}

/** @param {string} text */
function escapeHtml(text) {
  const element = document.createElement('p')
  element.textContent = text
  return element.innerHTML
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    image({ href, text }) {
      const link = document.createElement('a')
      link.href = href
      link.textContent = `${t('image')}: ${text || href}`
      return link.outerHTML
    },
    html: ({ text }) => (/^<br *\/?>$/i.test(text) ? '<br>' : escapeHtml(text)),
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
})

const purifier = createPurifier(window)
purifier.addHook('afterSanitizeAttributes', element => {
  if (element.tagName !== 'A') return
  element.setAttribute('target', '_blank')
  element.setAttribute('rel', 'noopener noreferrer nofollow')
})

/** @param {string} text @returns {DocumentFragment} */
export function renderMarkdown(text) {
  const html = /** @type {string} */ (marked.parse(text, { async: false }))
  return purifier.sanitize(html, { ...SANITIZE_OPTIONS, RETURN_DOM_FRAGMENT: true })
}
