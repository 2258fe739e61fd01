import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import type { AcceptedMessage, Channel, Delivery, InboundMessage, MessageHandler } from './channel.ts'

/** The other side of a channel: its actions and its view. */
export type ChannelHarness = {
  channel: Channel
  /** Starts receiving, if the channel can receive. */
  start(handler: MessageHandler): Promise<void>
  /** Sends a text from the other side. Resolves with whether the other side got an acknowledgement. */
  say?(text: string, key: string): Promise<boolean>
  /** The texts that arrived at the address of `delivery`, in order. */
  received?(delivery: Delivery): string[]
  /**
   * Makes the other side refuse every delivery from now on, for now or for good. With undefined, it accepts deliveries
   * again.
   */
  refuse?(how: 'for now' | 'for good' | undefined): void
  stop(): Promise<void>
}

const accepted: AcceptedMessage = { id: 'message-1', conversation: 'talk-1', isDuplicate: false }

/** The guarantees of `Channel`, for every channel. */
export function channelSuite(name: string, open: () => Promise<ChannelHarness>): void {
  describe(name, () => {
    let harness: ChannelHarness
    let handler: MessageHandler = async () => accepted
    const taken: InboundMessage[] = []

    beforeAll(async () => {
      harness = await open()
      await harness.start(async incoming => {
        taken.push(incoming)
        return await handler(incoming)
      })
    })
    afterAll(() => harness.stop())

    const delivery = (id: string, text = id): Delivery => ({
      id,
      text,
      conversation: 'talk-1',
      time: '2026-05-01T12:00:00.000Z',
      person: 'owner',
      address: { channel: harness.channel.type, account: harness.channel.account, chat: 'talk-1' },
      inReplyTo: null,
      answers: [],
      status: 'completed',
    })

    test('says what it is and what it can do', () => {
      const { channel } = harness
      for (const text of [channel.name, channel.type, channel.account]) expect(text).toMatch(/^[\w-]{1,63}$/)
      const { attachments, maxTextUnits, maxSendsPerSecond } = channel.capabilities
      for (const limit of [attachments?.maxBytes, attachments?.maxCount, maxTextUnits, maxSendsPerSecond])
        expect(limit ?? 1).toBeGreaterThan(0)
      expect(channel.receive ?? channel.send).toBeDefined()
    })

    test('tells the other side that a message was taken when it is durable, and not before', async context => {
      if (!harness.say) return context.skip('it only sends')
      const durable = Promise.withResolvers<void>()
      const handed = Promise.withResolvers<void>()
      handler = async () => {
        handed.resolve()
        await durable.promise
        return accepted
      }
      const order: string[] = []
      const said = harness.say('hello', 'k1').then(isTold => void order.push(isTold ? 'told' : 'refused'))
      await handed.promise
      order.push('durable')
      durable.resolve()
      await said
      expect(order).toEqual(['durable', 'told'])
    })

    test('hands on who said what, where, and under which key', async context => {
      if (!harness.say) return context.skip('it only sends')
      handler = async () => accepted
      taken.splice(0)
      await harness.say('where am I?', 'k2')
      const { channel } = harness
      expect(taken).toMatchObject([{ text: 'where am I?', address: { channel: channel.type } }])
      const [{ address, key, person, sender } = {} as InboundMessage] = taken
      expect(address.account ?? channel.account).toBe(channel.account)
      expect(key).toBeTruthy()
      expect(sender?.person ?? person).toBeTruthy()
    })

    test('tells nobody that a message was taken that was not, and takes it again under the same key', async context => {
      if (!harness.say) return context.skip('it only sends')
      handler = async () => {
        throw new LaresError('unavailable', 'the bus is away')
      }
      taken.splice(0)
      expect(await harness.say('again', 'k3')).toBe(false)
      handler = async () => accepted
      expect(await harness.say('again', 'k3')).toBe(true)
      expect(new Set(taken.map(({ key }) => key)).size).toBe(1)
    })

    test('sends replies to their address, in their order', async context => {
      const { channel, received } = harness
      if (!channel.send || !received) return context.skip('its clients read the history')
      const [first, second] = [delivery('r1', 'one'), delivery('r2', 'two 二 🙂')]
      for (const one of [first, second]) await channel.send(one, one.address)
      expect(received(first).slice(-2)).toEqual(['one', 'two 二 🙂'])
    })

    test('a refusal is final, and a failure that passes is not', async context => {
      const { channel, refuse } = harness
      if (!channel.send || !refuse) return context.skip('the other side cannot refuse')
      const one = delivery('r3')
      refuse('for now')
      await expect(channel.send(one, one.address)).rejects.toMatchObject({ retryable: true })
      refuse('for good')
      await expect(channel.send(one, one.address)).rejects.toMatchObject({ retryable: false })
      refuse(undefined)
      await channel.send(one, one.address)
    })
  })
}
