import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, listMessages, send, waitForReply } from '../support/conversation.ts'
import { type InstanceOptions, type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { promptOverhead } from '../support/prompt-overhead.ts'
import { until } from '../support/until.ts'

/** An instance of this checkout's own, or one that is started in another way, whose functions reach this machine at `host`. */
type JourneyTarget =
  | Omit<InstanceOptions, 'modelUrl'>
  | { host: string; start(modelUrl: string): Promise<LaresInstance> }

/** What a person does, on whichever deployment `options` gives: the same on all of them, and `more` on that instance. */
export function journeySuite(
  name: string,
  options: () => Promise<JourneyTarget>,
  more?: (instance: () => LaresInstance) => void,
): void {
  describe(name, () => {
    let instance: LaresInstance
    let model: ModelServer

    beforeAll(async () => {
      const target = await options()
      model = await startModelServer('start' in target ? { host: target.host } : {})
      instance = await ('start' in target
        ? target.start(model.url)
        : startInstance({ ...target, modelUrl: model.url }))
    }, 600_000)
    afterAll(async () => {
      await instance?.stop()
      await model?.close()
    }, 60_000)

    test('small talk is answered by the model', async () => {
      expect(await ask(instance, 'talk', 'tell me something nice')).toBe('echo: tell me something nice')
    })

    test('what stands around a message of one line fits into 2 KB, with all skills on', async () => {
      expect(await promptOverhead(instance, model)).toBeLessThanOrEqual(2_048)
    })

    test('an answer streams over the OpenAI API and ends with [DONE]', async () => {
      const answer = await instance.request('/v1/chat/completions', {
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
      expect(await ask(instance, 'sums', 'what is 12.5% of 8640?')).toContain('1080')
      expect(model.requests.length).toBe(before)
    })

    test('what is to be remembered in one conversation is known in another', async () => {
      await ask(instance, 'locks-1', 'remember that my bicycle lock code is 4711')
      await until(async () =>
        (await ask(instance, 'locks-2', 'what is my bicycle lock code?')).includes('4711'),
      )
    })

    test('a reminder arrives by itself', async () => {
      await ask(instance, 'stretching', 'remind me in two seconds to stretch')
      const reminder = await until(
        async () =>
          (await listMessages(instance, 'stretching')).find(
            row => row.role === 'assistant' && row.inReplyTo === null,
          ),
        15_000,
      )
      expect(reminder.text).toContain('stretch')
    })

    test('a note is kept and found', async () => {
      await ask(instance, 'notes', 'take a note: the plumber comes on Friday')
      expect(await ask(instance, 'notes', 'show my notes')).toContain('plumber')
    })

    test('the model may use a skill as a tool', async () => {
      const reply = await ask(instance, 'tools', 'please call calculator {"expression":"2^64"}')
      expect(reply).toContain('18446744073709551616')
    })

    test('Chinese is understood without a model', async () => {
      expect(await ask(instance, 'chinese', '8640的12.5%是多少')).toContain('1080')
    })

    test('messages sent at once are answered one by one in their order', async () => {
      const ids: string[] = []
      for (let n = 1; n <= 5; n++) ids.push(await send(instance, 'order', `message number ${n}`))
      await waitForReply(instance, 'order', ids.at(-1)!)
      const replies = (await listMessages(instance, 'order')).filter(row => row.role === 'assistant')
      expect(replies.map(row => row.inReplyTo)).toEqual(ids)
      expect(replies.map(row => row.text)).toEqual(ids.map((_, index) => `echo: message number ${index + 1}`))
    })

    test('a message sent twice under one key is one message', async () => {
      const first = await send(instance, 'twice', 'only once please', 'key-1')
      expect(await send(instance, 'twice', 'only once please', 'key-1')).toBe(first)
      await waitForReply(instance, 'twice', first)
      expect(await listMessages(instance, 'twice')).toHaveLength(2)
    })

    test('a failure of the model is told, and the next message is answered', async () => {
      const failed = await send(instance, 'failing', 'please [fail:400] now')
      expect((await waitForReply(instance, 'failing', failed)).status).toBe('failed')
      expect(await ask(instance, 'failing', 'still there')).toBe('echo: still there')
    })

    test('a restart forgets nothing', async () => {
      await ask(instance, 'before', 'remember that my cat is called Momo')
      await instance.restart()
      expect(await listMessages(instance, 'before')).toHaveLength(2)
      expect(await ask(instance, 'after', 'what is my cat called?')).toContain('Momo')
    }, 60_000)

    test('kill -9 of each process in the middle of an answer loses nothing and says nothing twice', async () => {
      for (const [index, victim] of instance.processes.entries()) {
        const conversation = `killed-${index}`
        const id = await send(instance, conversation, '[slow:400] good evening to you')
        await instance.kill(victim)
        const reply = await until(
          () => waitForReply(instance, conversation, id, 30_000).catch(() => undefined),
          60_000,
        )
        expect(reply.text).toContain('good evening to you')
        expect(
          (await listMessages(instance, conversation)).filter(row => row.role === 'assistant'),
        ).toHaveLength(1)
      }
    }, 180_000)
    more?.(() => instance)
  })
}
