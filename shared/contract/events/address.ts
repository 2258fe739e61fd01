import * as z from 'zod'
import { lazy } from '../../base/lazy.ts'

/**
 * Where a message comes from, who sends it and who owns its conversation (docs/channels.md).
 * Events and rows that are older than these fields come from the gateway's own page or API.
 */

const channelName = lazy(() => z.string().min(1).max(64))
const accountName = lazy(() => z.string().min(1).max(128))
/** Ids that a channel gives to chats, threads and users: their form is the channel's own. */
const channelId = lazy(() => z.string().min(1).max(512))

/** Where a message comes from and where its reply goes. */
export const addressSchema = lazy(() =>
  z.strictObject({
    /** The channel's type: `web`, `openai`, `webhook`, `telegram`. */
    channel: channelName(),
    /** The account of that channel, by its name in the configuration. */
    account: accountName(),
    chat: channelId(),
    thread: channelId().optional(),
  }),
)
export type Address = z.output<ReturnType<typeof addressSchema>>

/** Who somebody is on a channel. */
const identitySchema = lazy(() =>
  z.strictObject({ channel: channelName(), account: accountName(), user: channelId() }),
)
export type Identity = z.output<ReturnType<typeof identitySchema>>

/** Who sends a message. `person` is missing for an identity that is linked to nobody. */
export const senderSchema = lazy(() =>
  z.strictObject({ identity: identitySchema(), person: z.string().min(1).max(255).optional() }),
)
export type Sender = z.output<ReturnType<typeof senderSchema>>

/** Who owns a conversation, its key, its memory and its documents. */
export const principalSchema = lazy(() =>
  z.strictObject({ kind: z.enum(['person', 'group']), id: z.string().min(1).max(255) }),
)
export type Principal = z.output<ReturnType<typeof principalSchema>>

/** No person's name has a slash before its first colon, so no person owns what a group owns. */
const GROUP_PREFIX = 'group/'

/**
 * The principal as stores, keys and events name it in their field `person`: a person's name, or `group/ID`. A function
 * that looks something up for a group therefore never finds what belongs to one of its members.
 */
export const ownerOf = ({ kind, id }: Principal): string => (kind === 'group' ? `${GROUP_PREFIX}${id}` : id)

/** The reverse of `ownerOf`. */
export const principalOf = (owner: string): Principal =>
  owner.startsWith(GROUP_PREFIX)
    ? { kind: 'group', id: owner.slice(GROUP_PREFIX.length) }
    : { kind: 'person', id: owner }

export const isGroup = (owner: string): boolean => owner.startsWith(GROUP_PREFIX)

/** Whose key encrypts a message: its sender's in a group, where that is a known person, else the owner's. */
export const keyOwnerOf = (owner: string, sender: Sender | undefined): string =>
  isGroup(owner) ? (sender?.person ?? owner) : owner

export const isSameAddress = (a: Address, b: Address): boolean =>
  a.channel === b.channel && a.account === b.account && a.chat === b.chat && a.thread === b.thread

/** The gateway's own channels have one account. */
export const DEFAULT_ACCOUNT = 'default'

/** The chat of the gateway's own page and API is the conversation. */
export const webAddress = (conversation: string): Address => ({
  channel: 'web',
  account: DEFAULT_ACCOUNT,
  chat: conversation,
})

/** For data that is older than addresses and does not name its conversation. */
export const LEGACY_ADDRESS: Address = webAddress('unknown')

/** The sender of a message in a person's own conversation on the gateway's page or API. */
export const personAsSender = (person: string, { channel, account }: Address): Sender => ({
  identity: { channel, account, user: person },
  person,
})

/** What a message of a person in their own conversation on the gateway's page says of its origin. */
export function webOrigin(
  person: string,
  conversation: string,
): { address: Address; sender: Sender; principal: Principal } {
  const address = webAddress(conversation)
  return { address, sender: personAsSender(person, address), principal: principalOf(person) }
}

/** Gives the data of a message that is older than addresses its address, sender and principal. */
export function withOrigin(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || 'address' in data) return data
  const { channel, ...message } = data as Record<string, unknown>
  const address = channel === 'openai' ? { ...LEGACY_ADDRESS, channel } : LEGACY_ADDRESS
  const { person } = message
  if (typeof person !== 'string' || person === '') return { address, ...message }
  return { address, sender: personAsSender(person, address), principal: principalOf(person), ...message }
}
