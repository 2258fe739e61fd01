import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, messages, replyTo, send } from '../support/conversation.ts'
import { type House, type HouseOptions, startHouse } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { promptOverhead } from '../support/prompt-overhead.ts'
import { until } from '../support/until.ts'

/** A house of this checkout's own, or one that is started in another way, whose functions reach this machine at `host`. */
type Place = Omit<HouseOptions, 'modelUrl'> | { host: string; start(modelUrl: string): Promise<House> }

/** What a person does, on whichever deployment `options` gives: the same on all of them, and `more` on that house. */
export function journeySuite(
  name: string,
  options: () => Promise<Place>,
  more?: (house: () => House) => void,
): void {
  describe(name, () => {
    let house: House
    let model: ModelServer

    beforeAll(async () => {
      const place = await options()
      model = await startModelServer('start' in place ? { host: place.host } : {})
      house = await ('start' in place
        ? place.start(model.url)
        : startHouse({ ...place, modelUrl: model.url }))
    }, 600_000)
    afterAll(async () => {
      await house?.stop()
      await model?.close()
    }, 60_000)

    test('small talk is answered by the model', async () => {
      expect(await ask(house, 'talk', 'tell me something nice')).toBe('echo: tell me something nice')
    })

    test('what stands around a message of one line fits into 2 KB, with all skills on', async () => {
      expect(await promptOverhead(house, model)).toBeLessThanOrEqual(2_048)
    })

    test('an answer streams over the OpenAI API and ends with [DONE]', async () => {
      const answer = await house.request('/v1/chat/completions', {
        method: 'POST',
        body: JSON.stringify({
          model: 'lares',
          stream: true,
          messages: [{ role: 'user', content: 'one two three four' }],
        }),
      })
      const body = await answer.text()
      const deltas = [...body.matchAll(/^data: (\{.*\})$/gm)].map(
        match => JSON.parse(match[1]!).choices[0]?.delta?.content ?? '',
      )
      expect(deltas.join('')).toBe('echo: one two three four')
      expect(body.trimEnd().endsWith('data: [DONE]')).toBe(true)
    })

    test('a sum is exact and asks no model', async () => {
      const before = model.requests.length
      expect(await ask(house, 'sums', 'what is 12.5% of 8640?')).toContain('1080')
      expect(model.requests.length).toBe(before)
    })

    test('what is to be remembered in one conversation is known in another', async () => {
      await ask(house, 'locks-1', 'remember that my bicycle lock code is 4711')
      await until(async () => (await ask(house, 'locks-2', 'what is my bicycle lock code?')).includes('4711'))
    })

    test('a reminder arrives by itself', async () => {
      await ask(house, 'stretching', 'remind me in two seconds to stretch')
      const reminder = await until(
        async () =>
          (await messages(house, 'stretching')).find(
            row => row.role === 'assistant' && row.inReplyTo === null,
          ),
        15_000,
      )
      expect(reminder.text).toContain('stretch')
    })

    test('a note is kept and found', async () => {
      await ask(house, 'notes', 'take a note: the plumber comes on Friday')
      expect(await ask(house, 'notes', 'show my notes')).toContain('plumber')
    })

    test('the model may use a skill as a tool', async () => {
      const reply = await ask(house, 'tools', 'please call calculator {"expression":"2^64"}')
      expect(reply).toContain('18446744073709551616')
    })

    test('Chinese is understood without a model', async () => {
      expect(await ask(house, 'chinese', '8640的12.5%是多少')).toContain('1080')
    })

    test('messages sent at once are answered one by one in their order', async () => {
      const ids: string[] = []
      for (let n = 1; n <= 5; n++) ids.push(await send(house, 'order', `message number ${n}`))
      await replyTo(house, 'order', ids.at(-1)!)
      const replies = (await messages(house, 'order')).filter(row => row.role === 'assistant')
      expect(replies.map(row => row.inReplyTo)).toEqual(ids)
      expect(replies.map(row => row.text)).toEqual(ids.map((_, index) => `echo: message number ${index + 1}`))
    })

    test('a message sent twice under one key is one message', async () => {
      const first = await send(house, 'twice', 'only once please', 'key-1')
      expect(await send(house, 'twice', 'only once please', 'key-1')).toBe(first)
      await replyTo(house, 'twice', first)
      expect(await messages(house, 'twice')).toHaveLength(2)
    })

    test('a failure of the model is told, and the next message is answered', async () => {
      const failed = await send(house, 'failing', 'please [fail:400] now')
      expect((await replyTo(house, 'failing', failed)).status).toBe('failed')
      expect(await ask(house, 'failing', 'still there')).toBe('echo: still there')
    })

    test('a restart forgets nothing', async () => {
      await ask(house, 'before', 'remember that my cat is called Momo')
      await house.restart()
      expect(await messages(house, 'before')).toHaveLength(2)
      expect(await ask(house, 'after', 'what is my cat called?')).toContain('Momo')
    }, 60_000)

    test('kill -9 of each process in the middle of an answer loses nothing and says nothing twice', async () => {
      for (const [index, victim] of house.processes.entries()) {
        const conversation = `killed-${index}`
        const id = await send(house, conversation, '[slow:400] good evening to you')
        await house.kill(victim)
        const reply = await until(
          () => replyTo(house, conversation, id, 30_000).catch(() => undefined),
          60_000,
        )
        expect(reply.text).toContain('good evening to you')
        expect((await messages(house, conversation)).filter(row => row.role === 'assistant')).toHaveLength(1)
      }
    }, 180_000)
    more?.(() => house)
  })
}
