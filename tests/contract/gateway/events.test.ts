import { connect } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { listRows, openEventStream, type Row, sendMessage } from './client.ts'
import {
  echo,
  OWNER_TOKEN,
  openTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from './gateway-instance.ts'

let gateway: TestGateway
const openGateway = async (options?: TestGatewayOptions) => {
  gateway = await openTestGateway(options)
  return gateway
}
afterEach(() => gateway.close())

describe('the events of a conversation', () => {
  it('begin now, or at the start, or after the event that was seen last', async () => {
    await openGateway()
    const { conversation } = await sendMessage(gateway, 'one')
    await expect.poll(() => listRows(gateway, conversation)).toHaveLength(2)
    const now = await openEventStream(gateway, conversation)
    const start = await openEventStream(gateway, conversation, { query: '?from=start' })
    await expect.poll(() => textsOf(start)).toEqual(['one', 'You said: one'])
    const last = await openEventStream(gateway, conversation, { lastEventId: start.heard[0]!.id! })
    const byQuery = await openEventStream(gateway, conversation, {
      query: `?lastEventId=${start.heard[0]!.id}`,
    })
    await sendMessage(gateway, 'two', { conversation })
    await expect.poll(() => textsOf(now)).toEqual(['two', 'You said: two'])
    await expect.poll(() => textsOf(last)).toEqual(['You said: one', 'two', 'You said: two'])
    await expect.poll(() => textsOf(byQuery)).toEqual(['You said: one', 'two', 'You said: two'])
    for (const client of [now, start, last, byQuery]) client.close()
  })

  it('tell a client at once where it is, so that it can resume even if nothing came', async () => {
    await openGateway()
    const { conversation } = await sendMessage(gateway, 'one')
    await expect.poll(() => listRows(gateway, conversation)).toHaveLength(2)
    const client = await openEventStream(gateway, conversation)
    await expect.poll(() => client.raw).toMatch(/^retry: 1000\nid: [1-9]\d*\n\n/)
    expect(client.response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    client.close()
  })

  it('show the stages and the text as it is written', async () => {
    const message = (turn: { message: { data: object } }) => turn.message.data as never
    await openGateway({
      responder: async turn => {
        const intent = { skill: null, score: 0, candidates: [] }
        const saidAt = turn.message.time
        await turn.emit({ type: 'lares.intent.recognised', data: { message: message(turn), saidAt, intent } })
        await turn.emit({
          type: 'lares.skill.calculator.requested',
          data: {
            callId: 'c',
            step: 0,
            person: 'owner',
            input: null,
            text: 'x',
            language: 'en',
            timeZone: 'UTC',
            saidAt,
          },
        })
        await echo(turn)
      },
    })
    await sendMessage(gateway, 'before', { conversation: 'c' })
    const client = await openEventStream(gateway, 'c', { query: '?from=start' })
    const { id } = await sendMessage(gateway, 'hi', { conversation: 'c' })
    await expect.poll(() => textsOf(client)).toContain('You said: hi')
    const live = client.heard.filter(
      ({ event, data }) => event !== 'message' && data.message === (id as never),
    )
    expect(
      live.map(({ event, data }) => [event, data.stage ?? data.text, data.skill].join(' ').trim()),
    ).toEqual(
      expect.arrayContaining([
        'stage remembering',
        'stage using calculator',
        'stream You s',
        'stream aid: hi',
      ]),
    )
    expect(live.every(({ id: eventId }) => eventId === undefined || eventId === '')).toBe(true)
    client.close()
  })

  it('show one who comes late the whole text so far', async () => {
    const release = Promise.withResolvers<void>()
    await openGateway({
      responder: async ({ chunk, reply }) => {
        await chunk(0, 'Once ')
        await chunk(5, 'upon')
        await release.promise
        await reply('Once upon a time')
      },
    })
    const { id, conversation } = await sendMessage(gateway, 'a story')
    const early = await openEventStream(gateway, conversation)
    await expect.poll(() => early.heard.filter(({ event }) => event === 'stream').length).toBeGreaterThan(0)
    await expect
      .poll(async () => {
        const late = await openEventStream(gateway, conversation)
        await expect.poll(() => late.heard.length).toBeGreaterThan(1)
        late.close()
        return late.heard.find(({ event }) => event === 'stream')?.data
      })
      .toEqual({ message: id, offset: 0, text: 'Once upon' })
    release.resolve()
    early.close()
  })

  it('page through more changes than one batch has', async () => {
    await openGateway()
    for (let round = 0; round < 12; round += 1)
      await Promise.all(
        Array.from({ length: 5 }, (_, index) =>
          sendMessage(gateway, `${round}/${index}`, { conversation: 'long' }),
        ),
      )
    await expect.poll(async () => countSettled(await listRows(gateway, 'long'))).toBe(120)
    const client = await openEventStream(gateway, 'long', { query: '?from=start' })
    await expect.poll(() => new Set(textsOf(client)).size).toBe(120)
    client.close()
  })

  it('miss nothing and repeat nothing, wherever the client is cut off while others write', async () => {
    await openGateway()
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 8 }),
        async cuts => {
          round += 1
          const conversation = `cut-${round}`
          await sendMessage(gateway, 'first', { conversation })
          const writing = Promise.all(
            Array.from({ length: 12 }, (_, index) => sendMessage(gateway, `m${index}`, { conversation })),
          )
          const seen = await readWithDisconnects(conversation, cuts)
          await writing
          await expect.poll(async () => countSettled(await listRows(gateway, conversation))).toBe(26)
          const rest = await openEventStream(gateway, conversation, { lastEventId: seen.lastEventId })
          const rows = await listRows(gateway, conversation)
          await expect.poll(() => byId([...seen.rows, ...rowsOf(rest)])).toEqual(byId(rows))
          const ids = [...seen.ids, ...idsOf(rest)]
          expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
          rest.close()
        },
      ),
      { numRuns: 8 },
    )
  }, 60_000)

  it('go on after a restart of the gateway from where the client was', async () => {
    await openGateway()
    const { conversation } = await sendMessage(gateway, 'one')
    const before = await openEventStream(gateway, conversation, { query: '?from=start' })
    await expect.poll(() => textsOf(before)).toContain('You said: one')
    await gateway.restart()
    await expect.poll(() => before.isEnded).toBe(true)
    await sendMessage(gateway, 'two', { conversation })
    await expect.poll(() => listRows(gateway, conversation)).toHaveLength(4)
    const after = await openEventStream(gateway, conversation, { lastEventId: before.lastEventId! })
    await expect.poll(() => new Set(textsOf(after))).toEqual(new Set(['two', 'You said: two']))
    after.close()
  })

  it('drop a client that does not read, which comes back and misses nothing', async () => {
    const release = Promise.withResolvers<void>()
    await openGateway({
      responder: async ({ chunk, reply }) => {
        await release.promise
        for (let index = 0; index < 120; index += 1) await chunk(0, `${index}`.padEnd(200_000, '.'))
        await reply('done')
      },
    })
    const { conversation } = await sendMessage(gateway, 'flood')
    const deaf = connect(Number(new URL(gateway.url).port), '127.0.0.1')
    const gone = new Promise(resolve => deaf.on('close', resolve))
    deaf.on('error', () => undefined)
    deaf.write(
      `GET /api/conversations/${conversation}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${OWNER_TOKEN}\r\n\r\n`,
    )
    await new Promise(resolve => deaf.once('data', resolve))
    deaf.pause()
    release.resolve()
    await expect.poll(() => listRows(gateway, conversation), { timeout: 20_000 }).toHaveLength(2)
    deaf.resume()
    await gone
    const back = await openEventStream(gateway, conversation, { query: '?from=start' })
    await expect.poll(() => textsOf(back)).toEqual(['flood', 'done'])
    back.close()
  }, 40_000)
})

type Client = Awaited<ReturnType<typeof openEventStream>>

/** Reads this many rows, disconnects and reconnects, once for each number. */
async function readWithDisconnects(conversation: string, cuts: number[]) {
  const rows: Row[] = []
  const ids: number[] = []
  let lastEventId = '0'
  for (const cut of cuts) {
    const client = await openEventStream(gateway, conversation, { lastEventId })
    await expect
      .poll(() => rowsOf(client).length >= cut || countSettled(byIdList([...rows, ...rowsOf(client)])) === 26)
      .toBe(true)
    client.close()
    rows.push(...rowsOf(client))
    ids.push(...idsOf(client))
    ;({ lastEventId = lastEventId } = client)
  }
  return { rows, ids, lastEventId }
}

const rowsOf = ({ heard }: Client): Row[] =>
  heard.filter(({ event }) => event === 'message').map(({ data }) => data)
const idsOf = ({ heard }: Client): number[] =>
  heard.filter(({ event }) => event === 'message').map(({ id }) => Number(id))
const countSettled = (rows: Row[]): number =>
  rows.filter(({ status }) => status !== 'queued' && status !== 'answering').length
const byId = (rows: Row[]) => Object.fromEntries(rows.map(row => [row.id, row]))
const byIdList = (rows: Row[]) => Object.values(byId(rows))

/** The texts in the order in which they were first heard. */
const textsOf = (client: Client): string[] => [...new Set(rowsOf(client).map(({ text }) => text))]
