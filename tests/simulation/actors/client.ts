import type { GatewayContext } from '../../../gateway/context.ts'
import type { InboundMessage } from '../../../gateway/ingress/intake.ts'
import { currentSequence, followConversation } from '../../../gateway/live/history-follower.ts'
import { type Answer, waitForAnswer } from '../../../gateway/live/reply-waiter.ts'
import { openDeltas } from '../../../gateway/live/text-deltas.ts'
import { toLaresError } from '../../../shared/base/errors.ts'
import { keyedId } from '../../../shared/contract/events/ids.ts'
import type { HistoryMessage } from '../../../shared/store/store.ts'
import { type Saying, shown, type Talk } from '../plan.ts'
import type { Names } from '../trace.ts'
import type { World } from '../world/calls.ts'
import type { GatewayRooms } from '../world/gateways.ts'
import type { Gateway } from '../world/instance.ts'

/** What one person saw and did in one conversation. */
export type Client = {
  talk: Talk
  /** What was acknowledged, in the order in which it was said: each was sent when the one before had been. */
  acknowledged: Said[]
  /** What a page that follows the conversation shows, by row. */
  page: Map<string, HistoryMessage>
  /** What came wrong: a row twice, a text that was taken back, an answer that is none. */
  problems: string[]
  isDone(): boolean
}

export type Said = Saying & { id: string; sentAtMs: number; acknowledgedAtMs: number; answer?: Answer }

export type ClientParts = World & { names: Names; gateways: Gateway[] }

const PATIENCE_MS = 20_000
const ANSWER_LIMIT_MS = 60_000

export function startClient(talk: Talk, parts: ClientParts): Client {
  const { clock, names, trace } = parts
  const client: Client & { hasSaidAll: boolean; waiting: number } = {
    talk,
    acknowledged: [],
    page: new Map(),
    problems: [],
    hasSaidAll: false,
    waiting: 0,
    isDone: () => client.hasSaidAll && client.waiting === 0,
  }
  const reach = openReach(talk, parts)
  const { conversation, person } = talk

  const say = async (saying: Saying): Promise<void> => {
    const id = keyedId(person, conversation, saying.name)
    names.add(id, saying.name)
    await clock.wait(saying.pauseMs)
    const sentAtMs = clock.nowMs()
    const after = await reach.ask(saying.name, rooms =>
      currentSequence(rooms as GatewayContext, conversation),
    )
    const send = () => reach.ask(`${saying.name} sends`, rooms => rooms.intake(incomingOf(talk, saying)))
    const isTwice = parts.chance.fault('sent-twice', saying.name)
    const [accepted] = await Promise.all([send(), ...(isTwice ? [send()] : [])])
    trace(() => `${saying.name} is acknowledged: ${shown(saying.text)}`)
    if (accepted.id !== id) client.problems.push(`P2 ${saying.name} was taken in under another id`)
    const said: Said = { ...saying, id, sentAtMs, acknowledgedAtMs: clock.nowMs() }
    client.acknowledged.push(said)
    if (saying.waits) void waitFor(said, after)
  }
  /** As the OpenAI API's stream does: what was sent cannot be taken back. */
  const waitFor = async (said: Said, after: number): Promise<void> => {
    client.waiting++
    const rooms = reach.rooms(`${said.name} waits`)
    const wait = Promise.withResolvers<void>()
    if (rooms) {
      const deltas = openDeltas()
      let sent = ''
      const { life } = rooms.gateway.machine
      life!.onDeath(wait.resolve)
      clock.as(life, () =>
        waitForAnswer(rooms.rooms as GatewayContext, {
          conversation,
          after,
          id: said.id,
          timeoutMs: ANSWER_LIMIT_MS,
          signal: rooms.rooms.closing,
          onText: chunk => {
            sent += deltas.add(chunk)
          },
        })
          .then(answer => {
            said.answer = answer
            const rest = deltas.finish(answer.text)
            if (rest !== undefined && sent + rest !== answer.text)
              client.problems.push(
                `P2 ${said.name} was sent "${shown(sent + rest)}" for "${shown(answer.text)}"`,
              )
          })
          .catch(error => trace(() => `${said.name} waits in vain: ${(error as Error).message}`))
          .then(wait.resolve),
      )
      await wait.promise
    }
    client.waiting--
  }
  const sayAll = async () => {
    for (const saying of talk.says) await say(saying)
    client.hasSaidAll = true
  }
  sayAll().catch(error => {
    client.problems.push(`P1 ${conversation} was refused: ${(error as Error).message}`)
    client.hasSaidAll = true
  })
  void watch(client, reach, parts)
  return client
}

/** A message as the gateway's routes make it of a request. */
export function incomingOf({ person, conversation }: Talk, { name, text, document }: Saying): InboundMessage {
  const attachments = document && [
    { name: document.name, mediaType: 'text/plain', data: Buffer.from(document.text).toString('base64') },
  ]
  return { person, conversation, text, channel: 'api', key: name, attachments }
}

/** Follows the conversation as a page does: whatever cuts it off, it comes back and asks for what it missed. */
async function watch(client: Client, reach: Reach, { clock, chance, trace }: ClientParts): Promise<void> {
  const { conversation } = client.talk
  const place = `${conversation} follows`
  let after = 0
  for (;;) {
    const found = reach.rooms(place)
    const cut = Promise.withResolvers<void>()
    if (found) {
      const { rooms, gateway } = found
      const { life } = gateway.machine
      let isOpen = true
      life!.onDeath(cut.resolve)
      const take = (rows: HistoryMessage[]) => {
        for (const row of isOpen ? rows : []) {
          if (row.sequence <= after)
            client.problems.push(`P2 the change ${row.sequence} of ${conversation} was shown again`)
          after = Math.max(after, row.sequence)
          const known = client.page.get(row.id)
          if (known?.role === 'assistant' && known.text !== row.text)
            client.problems.push(`P2 a reply in ${conversation} was shown and then changed`)
          client.page.set(row.id, row)
        }
        if (chance.fault('client-cut', place)) cut.resolve()
      }
      const end = clock.as(life, () =>
        followConversation(
          rooms as GatewayContext,
          { conversation, after },
          {
            onRows: rows => new Promise(resolve => clock.after(1, () => resolve(take(rows)), life)),
            onLive: () => undefined,
            onError: () => cut.resolve(),
          },
        ),
      )
      await cut.promise
      isOpen = false
      trace(() => `${conversation} is cut off`)
      if (life!.alive) clock.as(life, end)
    }
    await clock.wait(chance.between(place, 100, 1_000))
  }
}

type Reach = ReturnType<typeof openReach>

/** Reaches one of the gateways over a network that may fail, until it answers. */
export function openReach({ conversation }: Talk, { clock, chance, gateways }: ClientParts) {
  const find = (place: string) => {
    const gateway = chance.among(place, gateways)
    const { machine, rooms } = gateway
    return machine.life && rooms && machine.life.pausedUntilMs <= clock.nowMs()
      ? { gateway, rooms }
      : undefined
  }
  /** One try: the answer, or undefined when there is none. Errors: those of the work. */
  const once = <T>(place: string, work: (rooms: GatewayRooms) => Promise<T>): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const found = find(place)
      const { life } = found?.gateway.machine ?? {}
      const isCut = chance.fault('client-cut', place)
      if (!found || !life || (isCut && chance.share(place) < 0.5)) return resolve(undefined)
      life.onDeath(() => resolve(undefined))
      clock.after(PATIENCE_MS, () => resolve(undefined))
      const serve = () => {
        const answer = (settle: () => void) => clock.after(1, isCut ? () => resolve(undefined) : settle, life)
        work(found.rooms).then(
          value => answer(() => resolve(value)),
          error => answer(() => reject(error)),
        )
      }
      clock.after(1, serve, life)
    })
  return {
    rooms: find,
    async ask<T>(place: string, work: (rooms: GatewayRooms) => Promise<T>): Promise<T> {
      for (;;) {
        try {
          const answer = await once(`${conversation} ${place}`, work)
          if (answer !== undefined) return answer
        } catch (error) {
          const { retryable, message } = toLaresError(error)
          if (!retryable) throw new Error(`${place}: ${message}`, { cause: error })
        }
        await clock.wait(chance.between(`${conversation} ${place} again`, 100, 1_000))
      }
    },
  }
}
