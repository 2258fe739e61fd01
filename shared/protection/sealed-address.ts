import type { Address, Sender } from '../contract/events/address.ts'
import { aadOf, unsealText } from './associated-data.ts'
import { type DataKey, sealText } from './envelope.ts'
import type { Keys } from './keys.ts'

/**
 * The ids of chats, threads and users may be telephone numbers or mail addresses. Each is sealed to its row and field.
 * The channel, the account and the sender's person stay readable, as a row's owner does.
 */

const aadOfField = (row: string, field: 'chat' | 'thread' | 'user') => aadOf('address', row, field)

export const sealAddress = (key: DataKey, row: string, address: Address): Address => ({
  ...address,
  chat: sealText(key, aadOfField(row, 'chat'), address.chat),
  ...(address.thread !== undefined && {
    thread: sealText(key, aadOfField(row, 'thread'), address.thread),
  }),
})

export async function unsealAddress(keys: Keys, row: string, address: Address): Promise<Address> {
  const chat = (await unsealText(keys, aadOfField(row, 'chat'), address.chat)) ?? ''
  if (address.thread === undefined) return { ...address, chat }
  return {
    ...address,
    chat,
    thread: (await unsealText(keys, aadOfField(row, 'thread'), address.thread)) ?? '',
  }
}

export const sealSender = (key: DataKey, row: string, { identity, ...rest }: Sender): Sender => ({
  ...rest,
  identity: { ...identity, user: sealText(key, aadOfField(row, 'user'), identity.user) },
})

export async function unsealSender(keys: Keys, row: string, { identity, ...rest }: Sender): Promise<Sender> {
  const user = (await unsealText(keys, aadOfField(row, 'user'), identity.user)) ?? ''
  return { ...rest, identity: { ...identity, user } }
}
