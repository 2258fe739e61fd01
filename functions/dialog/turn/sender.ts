import { isGroup, type Sender } from '#shared/contract/events/address.ts'
import type { Message } from '#shared/contract/events/event-types.ts'

/** The author of a part of the state in a group. The store encrypts the part with the author's key. */
export const groupSender = ({ person, sender }: Message): { sender?: Sender } =>
  isGroup(person) ? { sender } : {}
