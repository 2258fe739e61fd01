import type { InboundMessage } from '../../../gateway/channels/channel.ts'
import type { GatewayContext } from '../../../gateway/context.ts'
import { currentSequence, followConversation } from '../../../gateway/live/history-follower.ts'
import { type Answer, waitForAnswer } from '../../../gateway/live/reply-waiter.ts'
import { openDeltas } from '../../../gateway/live/text-deltas.ts'
import { toLaresError } from '../../../shared/base/errors.ts'
import { personAsSender } from '../../../shared/contract/events/address.ts'
import { keyedId } from '../../../shared/contract/events/ids.ts'
import type { HistoryMessage } from '../../../shared/store/store.ts'
import { abbreviate, addressOf, type ConversationScript, type PlannedMessage } from '../plan.ts'
import type { Names } from '../trace.ts'
import type { World } from '../world/calls.ts'
import type { SimulatedGatewayContext } from '../world/gateways.ts'
import type { SimulatedGateway } from '../world/instance.ts'

/** The view of one person of one conversation: what they saw and did. */
export type Client = {
  script: ConversationScript
  /** The acknowledged messages in their order: the client sent each after the one before was sent. */
  acknowledged: SentMessage[]
  /** The rows that a page which follows the conversation shows. */
  page: Map<string, HistoryMessage>
  /** Errors that the client saw: a row twice, a withdrawn text, an answer to no message. */
  problems: string[]
  isDone(): boolean
}

export type SentMessage = PlannedMessage & {
  id: string
  sentAtMs: number
  acknowledgedAtMs: number
  answer?: Answer
}

export type ClientDependencies = World & { names: Names; gateways: SimulatedGateway[] }

const REQUEST_TIMEOUT_MS = 20_000
const ANSWER_TIMEOUT_MS = 60_000

export function startClient(script: ConversationScript, dependencies: ClientDependencies): Client {
  const { clock, names, trace } = dependencies
  const client: Client & { hasSaidAll: boolean; waiting: number } = {
    script,
    acknowledged: [],
    page: new Map(),
    problems: [],
    hasSaidAll: false,
    waiting: 0,
    isDone: () => client.hasSaidAll && client.waiting === 0,
  }
  const connection = openGatewayConnection(script, dependencies)
  const { conversation, person } = script

  const sendPlanned = async (planned: PlannedMessage): Promise<void> => {
    const id = keyedId(planned.by ?? person, conversation, planned.name)
    names.add(id, planned.name)
    await clock.wait(planned.pauseMs)
    const sentAtMs = clock.nowMs()
    const after = await connection.ask(planned.name, rooms =>
      currentSequence(rooms as GatewayContext, conversation),
    )
    const send = () =>
      connection.ask(`${planned.name} sends`, rooms => rooms.intake(toInboundMessage(script, planned)))
    const isTwice = dependencies.chance.injects('sent-twice', planned.name)
    const [accepted] = await Promise.all([send(), ...(isTwice ? [send()] : [])])
    trace(() => `${planned.name} is acknowledged: ${abbreviate(planned.text)}`)
    if (accepted.id !== id) client.problems.push(`P2 ${planned.name} was taken in under another id`)
    const sentMessage: SentMessage = { ...planned, id, sentAtMs, acknowledgedAtMs: clock.nowMs() }
    client.acknowledged.push(sentMessage)
    if (planned.waits) void waitForReply(sentMessage, after)
  }
  /** As the OpenAI API's stream does: sent text cannot be taken back. */
  const waitForReply = async (sentMessage: SentMessage, after: number): Promise<void> => {
    client.waiting++
    const rooms = connection.rooms(`${sentMessage.name} waits`)
    const wait = Promise.withResolvers<void>()
    if (rooms) {
      const deltas = openDeltas()
      let sent = ''
      const { life } = rooms.gateway.machine
      life!.onDeath(wait.resolve)
      clock.runAs(life, () =>
        waitForAnswer(rooms.rooms as GatewayContext, {
          conversation,
          after,
          id: sentMessage.id,
          timeoutMs: ANSWER_TIMEOUT_MS,
          signal: rooms.rooms.closing,
          onText: chunk => {
            sent += deltas.add(chunk)
          },
        })
          .then(answer => {
            sentMessage.answer = answer
            const rest = deltas.finish(answer.text)
            if (rest !== undefined && sent + rest !== answer.text)
              client.problems.push(
                `P2 ${sentMessage.name} was sent "${abbreviate(sent + rest)}" for "${abbreviate(answer.text)}"`,
              )
          })
          .catch(error => trace(() => `${sentMessage.name} waits in vain: ${(error as Error).message}`))
          .then(wait.resolve),
      )
      await wait.promise
    }
    client.waiting--
  }
  const sendAll = async () => {
    for (const planned of script.messages) await sendPlanned(planned)
    client.hasSaidAll = true
  }
  sendAll().catch(error => {
    client.problems.push(`P1 ${conversation} was refused: ${(error as Error).message}`)
    client.hasSaidAll = true
  })
  void followAsPage(client, connection, dependencies)
  return client
}

/** A message as the gateway's routes make it of a request. */
export function toInboundMessage(
  { person, conversation }: ConversationScript,
  { name, text, document, from, by }: PlannedMessage,
): InboundMessage {
  const attachments = document && [
    { name: document.name, mediaType: 'text/plain', data: Buffer.from(document.text).toString('base64') },
  ]
  const address = addressOf(from, conversation)
  const sender = by === undefined ? undefined : personAsSender(by, address)
  return { person, sender, conversation, text, address, key: name, attachments }
}

/** Follows the conversation as a page does: after each lost connection it reconnects and asks for the missed rows. */
async function followAsPage(
  client: Client,
  connection: GatewayConnection,
  { clock, chance, trace }: ClientDependencies,
): Promise<void> {
  const { conversation } = client.script
  const site = `${conversation} follows`
  let after = 0
  for (;;) {
    const found = connection.rooms(site)
    const cut = Promise.withResolvers<void>()
    if (found) {
      const { rooms, gateway } = found
      const { life } = gateway.machine
      let isOpen = true
      life!.onDeath(cut.resolve)
      const showRows = (rows: HistoryMessage[]) => {
        for (const row of isOpen ? rows : []) {
          if (row.sequence <= after)
            client.problems.push(`P2 the change ${row.sequence} of ${conversation} was shown again`)
          after = Math.max(after, row.sequence)
          const known = client.page.get(row.id)
          if (known?.role === 'assistant' && known.text !== row.text)
            client.problems.push(`P2 a reply in ${conversation} was shown and then changed`)
          client.page.set(row.id, row)
        }
        if (chance.injects('client-cut', site)) cut.resolve()
      }
      const end = clock.runAs(life, () =>
        followConversation(
          rooms as GatewayContext,
          { conversation, after },
          {
            onRows: rows => new Promise(resolve => clock.schedule(1, () => resolve(showRows(rows)), life)),
            onLive: () => undefined,
            onError: () => cut.resolve(),
          },
        ),
      )
      await cut.promise
      isOpen = false
      trace(() => `${conversation} is cut off`)
      if (life!.alive) clock.runAs(life, end)
    }
    await clock.wait(chance.between(site, 100, 1_000))
  }
}

type GatewayConnection = ReturnType<typeof openGatewayConnection>

/** Reaches one of the gateways over a network that may fail, until it answers. */
export function openGatewayConnection(
  { conversation }: ConversationScript,
  { clock, chance, gateways }: ClientDependencies,
) {
  const find = (site: string) => {
    const gateway = chance.pick(site, gateways)
    const { machine, context } = gateway
    return machine.life && context && machine.life.pausedUntilMs <= clock.nowMs()
      ? { gateway, rooms: context }
      : undefined
  }
  /** One attempt: the answer, or undefined when there is none. Errors: those of the work. */
  const tryOnce = <T>(
    site: string,
    request: (rooms: SimulatedGatewayContext) => Promise<T>,
  ): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const found = find(site)
      const { life } = found?.gateway.machine ?? {}
      const isCut = chance.injects('client-cut', site)
      if (!found || !life || (isCut && chance.uniform(site) < 0.5)) return resolve(undefined)
      life.onDeath(() => resolve(undefined))
      clock.schedule(REQUEST_TIMEOUT_MS, () => resolve(undefined))
      const serve = () => {
        const answer = (settle: () => void) =>
          clock.schedule(1, isCut ? () => resolve(undefined) : settle, life)
        request(found.rooms).then(
          value => answer(() => resolve(value)),
          error => answer(() => reject(error)),
        )
      }
      clock.schedule(1, serve, life)
    })
  return {
    rooms: find,
    async ask<T>(site: string, request: (rooms: SimulatedGatewayContext) => Promise<T>): Promise<T> {
      for (;;) {
        try {
          const answer = await tryOnce(`${conversation} ${site}`, request)
          if (answer !== undefined) return answer
        } catch (error) {
          const { retryable, message } = toLaresError(error)
          if (!retryable) throw new Error(`${site}: ${message}`, { cause: error })
        }
        await clock.wait(chance.between(`${conversation} ${site} again`, 100, 1_000))
      }
    },
  }
}
