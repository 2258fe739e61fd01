import type * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import {
  deliveriesSchema,
  type UndeliveredReply,
  undeliveredReplySchema,
} from '../../../shared/operations/operations.ts'
import { connectToGateway } from '../connection.ts'
import { bold, dim, print, printJson, red, truncate } from '../terminal.ts'

/**
 * Lists the number of waiting replies for each channel, and the undelivered replies. The gateway owns the channels, so
 * the command asks it.
 */
export async function listDeliveries(
  environment: Environment,
  { json }: { json?: boolean },
): Promise<number> {
  const listed = await (await connectToGateway(environment)).request('/api/deliveries', deliveriesSchema)
  if (json) printJson(listed)
  else for (const line of formatDeliveries(listed)) print(line)
  return 0
}

function formatDeliveries({ channels, undelivered }: z.infer<typeof deliveriesSchema>): string[] {
  if (channels.length === 0 && undelivered.length === 0)
    return ['no replies are pushed: gateway.yaml has no deliveries, and there is no other channel that sends']
  return [
    ...channels.map(({ name, waiting }) => `${bold(name)}  ${waiting === 0 ? 'nothing' : waiting} waiting`),
    ...(undelivered.length === 0 ? ['every reply was delivered'] : undelivered.flatMap(formatUndelivered)),
  ]
}

function formatUndelivered({
  id,
  channel,
  conversation,
  reason,
  tries,
  givenUpAt,
}: UndeliveredReply): string[] {
  const when = givenUpAt.replace('T', ' ').slice(0, 19)
  const count = tries === 1 ? 'one try' : `${tries} tries`
  return [
    `${bold(id)}  ${dim(when)}  ${red('not delivered')} to ${truncate(channel, 30)}`,
    `    ${red(truncate(reason, 60))} ${dim(`after ${count}, in conversation`)} ${truncate(conversation, 40)}`,
  ]
}

/**
 * Sends undelivered replies once more, the oldest first. A reply that the channel refuses again stays, and the command
 * tries the others: its exit status is 1 then. Errors: `invalid_request`, `not_found`, those of `connectToGateway`.
 */
export async function retryDeliveries(
  environment: Environment,
  idPrefix: string | undefined,
  { all = false }: { all?: boolean },
): Promise<number> {
  if ((idPrefix !== undefined) === all)
    throw new LaresError('invalid_request', 'name one reply, or --all: lares deliveries list shows them')
  const client = await connectToGateway(environment)
  const candidates = (await client.request('/api/deliveries', deliveriesSchema)).undelivered.toReversed()
  const selected = idPrefix === undefined ? candidates : findByIdPrefix(candidates, idPrefix)
  let failed = 0
  for (const { channel, id } of selected) {
    const path = `/api/deliveries/${encodeURIComponent(channel)}/${encodeURIComponent(id)}/retry`
    try {
      await client.request(path, undeliveredReplySchema, { method: 'POST' })
      print(`${id} is delivered to ${channel}`)
    } catch (error) {
      if (!(error instanceof LaresError)) throw error
      failed++
      print(`${id} is not delivered to ${channel}: ${red(error.message)}`)
    }
  }
  if (selected.length === 0) print('every reply was delivered')
  return failed === 0 ? 0 : 1
}

/** One reply may be undelivered in several channels. */
function findByIdPrefix(candidates: UndeliveredReply[], prefix: string): UndeliveredReply[] {
  const matches = candidates.filter(({ id }) => id.startsWith(prefix))
  const count = new Set(matches.map(({ id }) => id)).size
  if (count === 1) return matches
  const many = count === 0 ? 'no undelivered reply begins' : `${count} undelivered replies begin`
  throw new LaresError('not_found', `${many} with "${prefix}": lares deliveries list shows them`)
}
