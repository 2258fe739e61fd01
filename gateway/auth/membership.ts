import { LaresError } from '../../shared/base/errors.ts'
import type { GatewayConfig } from '../../shared/config/files.ts'
import { ownerOf } from '../../shared/contract/events/address.ts'
import type { History } from '../../shared/store/store.ts'

type Groups = Pick<GatewayConfig, 'groups'>

const groupOwner = (id: string): string => ownerOf({ kind: 'group', id })

/**
 * Whether a person may read and write the data of an owner: their own data, or that of a group with them as a member.
 */
export const mayUse = ({ groups }: Groups, owner: string, person: string): boolean =>
  owner === person || groups.some(({ id, members }) => groupOwner(id) === owner && members.includes(person))

/** The owners of the conversations that a person sees: the person and their groups. */
export const ownersFor = ({ groups }: Groups, person: string): string[] => [
  person,
  ...groups.filter(({ members }) => members.includes(person)).map(({ id }) => groupOwner(id)),
]

/** The owner of a new conversation. Errors: `not_found` unless the person is a member of the group. */
export function ownerForGroup(config: Groups, group: string, person: string): string {
  const owner = groupOwner(group)
  if (mayUse(config, owner, person)) return owner
  throw new LaresError('not_found', `there is no group "${group}" that you are a member of`)
}

/** Errors: `not_found`, also for other owners' conversations. */
export async function checkConversationAccess(
  { store, config }: { store: { history: Pick<History, 'conversation'> }; config: Groups },
  id: string,
  person: string,
): Promise<void> {
  const conversation = await store.history.conversation(id)
  if (!conversation || !mayUse(config, conversation.person, person))
    throw new LaresError('not_found', `there is no conversation "${id}"`)
}
