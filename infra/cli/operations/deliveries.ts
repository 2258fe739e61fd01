import type * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import {
  deliveriesSchema,
  type UndeliveredReply,
  undeliveredReplySchema,
} from '../../../shared/operations/operations.ts'
import { connect } from '../connection.ts'
import { bold, cut, dim, print, printJson, red } from '../terminal.ts'

/** How many replies wait for each channel, and which were given up. The channels are the gateway's, so it is asked. */
export async function listDeliveries(
  environment: Environment,
  { json }: { json?: boolean },
): Promise<number> {
  const found = await (await connect(environment)).ask('/api/deliveries', deliveriesSchema)
  if (json) printJson(found)
  else for (const line of drawn(found)) print(line)
  return 0
}

function drawn({ channels, undelivered }: z.infer<typeof deliveriesSchema>): string[] {
  if (channels.length === 0 && undelivered.length === 0)
    return ['no replies are pushed: gateway.yaml has no deliveries']
  return [
    ...channels.map(({ name, waiting }) => `${bold(name)}  ${waiting === 0 ? 'nothing' : waiting} waiting`),
    ...(undelivered.length === 0 ? ['every reply was delivered'] : undelivered.flatMap(drawUndelivered)),
  ]
}

function drawUndelivered({
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
    `${bold(id)}  ${dim(when)}  ${red('not delivered')} to ${cut(channel, 30)}`,
    `    ${red(cut(reason, 60))} ${dim(`after ${count}, in conversation`)} ${cut(conversation, 40)}`,
  ]
}

/**
 * Sends what was given up once more, the oldest first. One that is refused again stays, and the others are tried: it
 * ends with 1 then. Errors: `invalid_request`, `not_found`, those of `connect`.
 */
export async function retryDeliveries(
  environment: Environment,
  given: string | undefined,
  { all = false }: { all?: boolean },
): Promise<number> {
  if ((given !== undefined) === all)
    throw new LaresError('invalid_request', 'name one reply, or --all: lares deliveries list shows them')
  const client = await connect(environment)
  const known = (await client.ask('/api/deliveries', deliveriesSchema)).undelivered.toReversed()
  const wanted = given === undefined ? known : found(known, given)
  let failed = 0
  for (const { channel, id } of wanted) {
    const path = `/api/deliveries/${encodeURIComponent(channel)}/${encodeURIComponent(id)}/retry`
    try {
      await client.ask(path, undeliveredReplySchema, { method: 'POST' })
      print(`${id} is delivered to ${channel}`)
    } catch (error) {
      if (!(error instanceof LaresError)) throw error
      failed++
      print(`${id} is not delivered to ${channel}: ${red(error.message)}`)
    }
  }
  if (wanted.length === 0) print('every reply was delivered')
  return failed === 0 ? 0 : 1
}

/** One reply may have been given up by several channels. */
function found(known: UndeliveredReply[], beginning: string): UndeliveredReply[] {
  const those = known.filter(({ id }) => id.startsWith(beginning))
  const count = new Set(those.map(({ id }) => id)).size
  if (count === 1) return those
  const many = count === 0 ? 'no undelivered reply begins' : `${count} undelivered replies begin`
  throw new LaresError('not_found', `${many} with "${beginning}": lares deliveries list shows them`)
}
