import { isGroup, type Sender } from '#shared/contract/events/address.ts'
import type { Message } from '#shared/contract/events/event-types.ts'

/** In a group each part of the state says whose words it has, so that they are sealed with that person's key. */
export const groupSender = ({ person, sender }: Message): { sender?: Sender } =>
  isGroup(person) ? { sender } : {}
