/** The page's calls to the gateway. The cookie identifies the person. */

/**
 * @typedef {{id: string, role: 'user' | 'assistant', text: string, inReplyTo: string | null, createdAt: string,
 *   status: 'queued' | 'answering' | 'answered' | 'completed' | 'failed' | 'interrupted',
 *   attachments?: {name: string, mediaType: string, bytes: number}[]}} Row
 * @typedef {{id: string, createdAt: string, updatedAt: string, preview: string}} Conversation
 */

/** An error answer of the gateway. */
export class HttpError extends Error {
  /** @param {number} status @param {string} message @param {number} retryAfterMs */
  constructor(status, message, retryAfterMs) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }

  /** Whether the same request may succeed later. */
  get isRetryable() {
    return this.status >= 500 || this.status === 429 || this.status === 408
  }
}

const REQUEST_TIMEOUT_MS = 30_000
/** The gateway waits equally long for a request. */
const UPLOAD_TIMEOUT_MS = 120_000

/**
 * @param {string} path
 * @param {{method?: string, body?: unknown, headers?: Record<string, string>, limitMs?: number}} [request]
 */
async function request(path, { method = 'GET', body, headers = {}, limitMs = REQUEST_TIMEOUT_MS } = {}) {
  const response = await fetch(path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(limitMs),
  })
  const answer = await response.json().catch(() => undefined)
  if (response.ok) return answer
  const retryAfterMs = 1000 * Number(response.headers.get('retry-after') ?? 0)
  throw new HttpError(response.status, answer?.error?.message ?? response.statusText, retryAfterMs)
}

/** @returns {Promise<{person: string}>} */
export const whoAmI = () => request('/api/session')

/** @param {string} token @returns {Promise<{person: string}>} */
export const signIn = token => request('/api/session', { method: 'POST', body: { token } })

export const signOut = () => request('/api/session', { method: 'DELETE' })

/** @returns {Promise<{conversations: Conversation[]}>} */
export const listConversations = () => request('/api/conversations')

const PAGE_SIZE = 50

/**
 * The last messages, or the last messages before a given one; oldest first.
 * @param {string} conversation @param {string} [before]
 * @returns {Promise<{messages: Row[], isWhole: boolean}>}
 */
export async function listMessages(conversation, before) {
  const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(before ? { before } : {}) })
  const { messages } = await request(
    `/api/conversations/${encodeURIComponent(conversation)}/messages?${query}`,
  )
  return { messages, isWhole: messages.length < PAGE_SIZE }
}

/**
 * @typedef {{name: string, mediaType: string, data: string}} Attachment `data` in base64.
 * @param {{key: string, conversation: string, text: string, attachments: Attachment[]}} message
 * @returns {Promise<{id: string, conversation: string}>}
 */
export const sendMessage = ({ key, conversation, text, attachments }) =>
  request('/api/messages', {
    method: 'POST',
    body: { conversation, text, ...(attachments.length > 0 && { attachments }) },
    limitMs: attachments.length > 0 ? UPLOAD_TIMEOUT_MS : REQUEST_TIMEOUT_MS,
    headers: {
      'idempotency-key': key,
      'x-lares-time-zone': Intl.DateTimeFormat().resolvedOptions().timeZone,
    },
  })

/** Creates an id. It also works without TLS, where crypto.randomUUID is missing. */
export const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
