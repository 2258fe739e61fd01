import type { History, HistoryMessage, MessageWrite } from '../conversations/conversations.ts'
import { type DataKey, sealText } from './envelope.ts'
import type { Keys } from './keys.ts'
import { opened, openText, placeOf } from './places.ts'

const placeOfMessage = (id: string) => placeOf('message', id)

export const sealMessage = <Message extends Pick<MessageWrite, 'id' | 'text'>>(
  key: DataKey,
  message: Message,
): Message => ({ ...message, text: sealText(key, placeOfMessage(message.id), message.text) })

/** Undefined when its key was destroyed. */
export async function openMessage<Message extends Pick<MessageWrite, 'id' | 'text'>>(
  keys: Keys,
  message: Message,
): Promise<Message | undefined> {
  const text = await openText(keys, placeOfMessage(message.id), message.text)
  return text === undefined ? undefined : { ...message, text }
}

/** What people and the assistant said is encrypted; who, when and in which conversation is not. */
export function protectedHistory(inner: History, keys: Keys): History {
  const open = (message: HistoryMessage) => openMessage(keys, message)
  return {
    ...inner,
    async accept(entry) {
      const key = await keys.of(entry.person)
      const kept = await inner.accept({ ...entry, message: sealMessage(key, entry.message) })
      return (await open(kept)) ?? { ...kept, text: '' }
    },
    async message(id) {
      const message = await inner.message(id)
      return message && (await open(message))
    },
    list: async (conversation, page) => await opened(await inner.list(conversation, page), open),
    changes: async (conversation, sequence, limit) =>
      await opened(await inner.changes(conversation, sequence, limit), open),
  }
}
