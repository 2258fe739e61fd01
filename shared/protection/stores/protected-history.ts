import type { History, HistoryMessage, MessageWrite } from '../../store/store.ts'
import { opened, openText, placeOf } from '../associated-data.ts'
import { type DataKey, sealText } from '../envelope.ts'
import type { Keys } from '../keys.ts'

const placeOfMessage = (id: string) => placeOf('message', id)

const placeOfName = (id: string, at: number) => placeOf('attachment', id, String(at))

/** Of what came with it the names are contents; kinds and sizes are not. */
export function sealMessage<Message extends MessageWrite>(key: DataKey, message: Message): Message {
  const { id, text, attachments } = message
  return {
    ...message,
    text: sealText(key, placeOfMessage(id), text),
    ...(attachments && {
      attachments: attachments.map((one, at) => ({
        ...one,
        name: sealText(key, placeOfName(id, at), one.name),
      })),
    }),
  }
}

/** Undefined when its key was destroyed. */
export async function openMessage<Message extends MessageWrite>(
  keys: Keys,
  message: Message,
): Promise<Message | undefined> {
  const { id, attachments } = message
  const text = await openText(keys, placeOfMessage(id), message.text)
  if (text === undefined) return undefined
  if (!attachments) return { ...message, text }
  const names = await Promise.all(
    attachments.map(({ name }, at) => openText(keys, placeOfName(id, at), name)),
  )
  return { ...message, text, attachments: attachments.map((one, at) => ({ ...one, name: names[at] ?? '' })) }
}

/** What people and the assistant said is encrypted; who, when and in which conversation is not. */
export function protectedHistory(inner: History, keys: Keys): History {
  const open = (message: HistoryMessage) => openMessage(keys, message)
  return {
    ...inner,
    async accept(entry) {
      const key = await keys.ofKnown(entry.person)
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
