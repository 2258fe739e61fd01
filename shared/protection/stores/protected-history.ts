import { keyOwnerOf } from '../../contract/events/address.ts'
import type { AttachmentSummary } from '../../contract/events/event-types.ts'
import type { History, HistoryMessage, MessageWrite } from '../../store/store.ts'
import { aadOf, unsealAll, unsealText } from '../associated-data.ts'
import { type DataKey, sealText } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { sealAddress, sealSender, unsealAddress, unsealSender } from '../sealed-address.ts'

const aadOfMessage = (id: string) => aadOf('message', id)

const aadOfAttachmentName = (id: string, at: number) => aadOf('attachment', id, String(at))

/** Names of attachments and the ids of chats and users are content and encrypted; kinds, sizes and channels are not. */
export function sealMessage<Message extends MessageWrite>(key: DataKey, message: Message): Message {
  const { id, text, attachments, address, sender } = message
  return {
    ...message,
    text: sealText(key, aadOfMessage(id), text),
    ...(attachments && {
      attachments: attachments.map((one, at) => ({
        ...one,
        name: sealText(key, aadOfAttachmentName(id, at), one.name),
      })),
    }),
    ...(address && { address: sealAddress(key, id, address) }),
    ...(sender && { sender: sealSender(key, id, sender) }),
  }
}

/** Undefined if its key was destroyed. */
export async function unsealMessage<Message extends MessageWrite>(
  keys: Keys,
  message: Message,
): Promise<Message | undefined> {
  const { id, attachments, address, sender } = message
  const text = await unsealText(keys, aadOfMessage(id), message.text)
  if (text === undefined) return undefined
  return {
    ...message,
    text,
    ...(attachments && { attachments: await unsealNames(keys, id, attachments) }),
    ...(address && { address: await unsealAddress(keys, id, address) }),
    ...(sender && { sender: await unsealSender(keys, id, sender) }),
  }
}

const unsealNames = (
  keys: Keys,
  id: string,
  attachments: AttachmentSummary[],
): Promise<AttachmentSummary[]> =>
  Promise.all(
    attachments.map(async (one, at) => ({
      ...one,
      name: (await unsealText(keys, aadOfAttachmentName(id, at), one.name)) ?? '',
    })),
  )

/** Encrypts the words of people and the assistant; sender, time and conversation stay readable. */
export function protectedHistory(inner: History, keys: Keys): History {
  const unseal = (message: HistoryMessage) => unsealMessage(keys, message)
  return {
    ...inner,
    async accept(entry) {
      const key = await keys.require(keyOwnerOf(entry.person, entry.message.sender))
      const stored = await inner.accept({ ...entry, message: sealMessage(key, entry.message) })
      return (await unseal(stored)) ?? { ...stored, text: '' }
    },
    async message(id) {
      const message = await inner.message(id)
      return message && (await unseal(message))
    },
    list: async (conversation, page) => await unsealAll(await inner.list(conversation, page), unseal),
    changes: async (conversation, sequence, limit) =>
      await unsealAll(await inner.changes(conversation, sequence, limit), unseal),
  }
}
