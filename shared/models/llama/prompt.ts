import type { ChatHistoryItem, ChatWrapper, Token, Tokenizer } from 'node-llama-cpp'
import { LaresError } from '../../base/errors.ts'
import type { ChatMessage } from '../models.ts'

export type FittedPrompt = { history: ChatHistoryItem[]; tokens: Token[] }

/**
 * Fits the messages to the model's own chat template in at most `maxTokens`. It drops the oldest messages, except the
 * system's, until the rest fits. Errors: `rejected` if the last message alone is too long.
 */
export function fitPrompt(
  messages: ChatMessage[],
  maxTokens: number,
  wrapper: ChatWrapper,
  tokenizer: Tokenizer,
): FittedPrompt {
  const kept = [...messages]
  for (;;) {
    const history = kept.map(toHistoryItem)
    const tokens = tokenizePrompt(history, wrapper, tokenizer)
    if (tokens.length <= maxTokens) return { history, tokens }
    const oldest = kept.findIndex(({ role }) => role !== 'system')
    if (oldest === -1 || oldest === kept.length - 1) throw promptTooLongError(tokens.length, maxTokens)
    kept.splice(oldest, 1)
  }
}

function tokenizePrompt(history: ChatHistoryItem[], wrapper: ChatWrapper, tokenizer: Tokenizer): Token[] {
  const opened: ChatHistoryItem[] = [...history, { type: 'model', response: [] }]
  return wrapper.generateContextState({ chatHistory: opened }).contextText.tokenize(tokenizer)
}

/** A model without tools reads a tool's result as words of the user. */
function toHistoryItem({ role, content }: ChatMessage): ChatHistoryItem {
  if (role === 'system') return { type: 'system', text: content }
  return role === 'assistant' ? { type: 'model', response: [content] } : { type: 'user', text: content }
}

function promptTooLongError(tokens: number, maxTokens: number): LaresError {
  return new LaresError(
    'rejected',
    `the message has ${tokens} tokens and the built-in model reads ${maxTokens}: shorten it, or set OPENAI_BASE_URL to a server with a larger model`,
  )
}
