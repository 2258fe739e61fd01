import * as z from 'zod'
import { lazy } from '../../base/concurrency/lazy.ts'

/**
 * Names where a message comes from, who sends it and who owns its conversation (docs/channels.md). Events and rows that
 * are older than these fields come from the gateway's own page or API.
 */

const channelName = lazy(() => z.string().min(1).max(64))
const accountName = lazy(() => z.string().min(1).max(128))
/** Ids that a channel gives to chats, threads and users. The channel defines their form. */
const channelId = lazy(() => z.string().min(1).max(512))

/** The origin of a message and the target of its reply. */
export const addressSchema = lazy(() =>
  z.strictObject({
    /** The channel's type: `web`, `openai`, `webhook`, `telegram`. */
    channel: channelName(),
    /** The channel account, by its name in the configuration. */
    account: accountName(),
    chat: channelId(),
    thread: channelId().optional(),
  }),
)
export type Address = z.output<ReturnType<typeof addressSchema>>

/** A user's identity on a channel. */
const identitySchema = lazy(() =>
  z.strictObject({ channel: channelName(), account: accountName(), user: channelId() }),
)
export type Identity = z.output<ReturnType<typeof identitySchema>>

/** The sender of a message. `person` is missing for an identity that is linked to no person. */
export const senderSchema = lazy(() =>
  z.strictObject({ identity: identitySchema(), person: z.string().min(1).max(255).optional() }),
)
export type Sender = z.output<ReturnType<typeof senderSchema>>

/** The owner of a conversation, its key, its memory and its documents. */
export const principalSchema = lazy(() =>
  z.strictObject({ kind: z.enum(['person', 'group']), id: z.string().min(1).max(255) }),
)
export type Principal = z.output<ReturnType<typeof principalSchema>>

/** A person's name has no slash before its first colon, so no person owns what a group owns. */
const GROUP_PREFIX = 'group/'

/**
 * The principal as stores, keys and events name it in their field `person`: a person's name, or `group/ID`. A lookup
 * for a group therefore never finds data of one of its members.
 */
export const ownerOf = ({ kind, id }: Principal): string => (kind === 'group' ? `${GROUP_PREFIX}${id}` : id)

/** The reverse of `ownerOf`. */
export const principalOf = (owner: string): Principal =>
  owner.startsWith(GROUP_PREFIX)
    ? { kind: 'group', id: owner.slice(GROUP_PREFIX.length) }
    : { kind: 'person', id: owner }

export const isGroup = (owner: string): boolean => owner.startsWith(GROUP_PREFIX)

/** The person whose key encrypts a message: in a group its sender, if that is a known person, else the owner. */
export const keyOwnerOf = (owner: string, sender: Sender | undefined): string =>
  isGroup(owner) ? (sender?.person ?? owner) : owner

export const isSameAddress = (a: Address, b: Address): boolean =>
  a.channel === b.channel && a.account === b.account && a.chat === b.chat && a.thread === b.thread

/** The account of the gateway's own channels, which have only one. */
export const DEFAULT_ACCOUNT = 'default'

/** The address on the gateway's own page or API, whose chat is the conversation. */
export const webAddress = (conversation: string): Address => ({
  channel: 'web',
  account: DEFAULT_ACCOUNT,
  chat: conversation,
})

/** The address for data that is older than addresses and does not name its conversation. */
export const LEGACY_ADDRESS: Address = webAddress('unknown')

/** The sender of a message in a person's own conversation on the gateway's page or API. */
export const personAsSender = (person: string, { channel, account }: Address): Sender => ({
  identity: { channel, account, user: person },
  person,
})

/** The origin of a message that a person sends in their own conversation on the gateway's page. */
export function webOrigin(
  person: string,
  conversation: string,
): { address: Address; sender: Sender; principal: Principal } {
  const address = webAddress(conversation)
  return { address, sender: personAsSender(person, address), principal: principalOf(person) }
}

/** Adds address, sender and principal to the data of a message that is older than addresses. */
export function withOrigin(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || 'address' in data) return data
  const { channel, ...message } = data as Record<string, unknown>
  const address = channel === 'openai' ? { ...LEGACY_ADDRESS, channel } : LEGACY_ADDRESS
  const { person } = message
  if (typeof person !== 'string' || person === '') return { address, ...message }
  return { address, sender: personAsSender(person, address), principal: principalOf(person), ...message }
}
