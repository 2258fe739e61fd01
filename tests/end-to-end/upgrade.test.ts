import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, listMessages, type MessageRow } from '../support/conversation.ts'
import { type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { openStores } from '../support/stores/filled-stores.ts'
import { ALICE_TOKEN, type OldHome, unpackOldHome } from '../support/stores/old-home.ts'
import { until } from '../support/until.ts'

let model: ModelServer
let old: OldHome
let instance: LaresInstance

beforeAll(async () => {
  ;[model, old] = await Promise.all([startModelServer(), unpackOldHome()])
  instance = await startInstance({
    kind: 'embedded',
    modelUrl: model.url,
    home: old.home,
    environment: { LARES_CONFIG: old.config, LARES_TOKEN: '' },
  })
})
afterAll(async () => {
  await instance?.stop()
  await model?.close()
  await old?.remove()
})

const as = (token: string): LaresInstance => ({
  ...instance,
  request: (path, init = {}) =>
    instance.request(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
})
const owner = () => as(old.token)

const textsOf = async (conversation: string, who = owner()): Promise<string[]> =>
  (await listMessages(who, conversation)).map(({ text }) => text)

/** The last prompt of the model, from a conversation that knows nothing yet. */
async function promptFor(question: string): Promise<string> {
  await ask(owner(), crypto.randomUUID(), question)
  return JSON.stringify(model.requests.at(-1)!.messages)
}

test('an answer that Lares 0.1.0 was killed in is finished, and the message behind it is answered after it', async () => {
  const rows: MessageRow[] = await until(async () => {
    const found = await listMessages(owner(), 'unfinished')
    return found.length === 4 && found.every(({ status }) => status !== 'answering') ? found : undefined
  }, 30_000)
  const replyTo = (text: string) => {
    const { id } = rows.find(row => row.text.startsWith(text))!
    return rows.findIndex(({ inReplyTo }) => inReplyTo === id)
  }
  expect(rows[replyTo('what is 2 + 3')]).toMatchObject({ text: '2 + 3 = 5', status: 'completed' })
  expect(rows[replyTo('tell me about the moon')]!.text).toContain('echo: tell me about the moon')
  expect(replyTo('tell me about the moon')).toBeLessThan(replyTo('what is 2 + 3'))
})

test('the history of 0.1.0 is shown as it was', async () => {
  const kitchen = await textsOf('kitchen')
  expect(kitchen.slice(0, 4)).toEqual([
    'tell me about zwiebelrost',
    'echo: tell me about zwiebelrost',
    'what is 12 * 12?',
    '12 × 12 = 144',
  ])
  expect(kitchen).toHaveLength(25)
  expect(kitchen).toContain('Reminder: stretch')
  expect(await textsOf('zh')).toEqual(['记住我的老师叫芝麻菜園丁', '好的，我会记住：你的老师叫芝麻菜園丁。'])
  expect(await textsOf('alices', as(ALICE_TOKEN))).toContain('Noted: mondfischig is mine')
})

test('notes, memories, reminders and documents of 0.1.0 are used in new conversations', async () => {
  expect(await ask(owner(), 'new', 'list my notes')).toContain('buy quarkpfeffer')
  expect(await ask(owner(), 'new', 'list my notes')).not.toContain('jubelkasten')
  expect(await ask(owner(), 'new', 'which reminders do I have?')).toContain('feed kraxelhuber')
  expect(await promptFor('what is my favourite plant?')).toContain('xylomantik')
  expect(await promptFor('what is the service code of the boiler?')).toMatch(/house\.md, § Boiler.*7788/s)
})

test('a question that a skill of 0.1.0 asked is answered by the next message', async () => {
  expect(await ask(owner(), 'asking', 'in an hour')).toMatch(/I will remind you .*: water the plants/)
})

test('a dead letter of 0.1.0 can be put back', async () => {
  model.stopFailing()
  const { deadLetters } = (await (await owner().request('/api/dead')).json()) as {
    deadLetters: { id: string }[]
  }
  expect(deadLetters).toHaveLength(1)
  const answer = await owner().request(`/api/dead/${deadLetters[0]!.id}/retry`, {
    method: 'POST',
    body: '{}',
  })
  expect(answer.status).toBeLessThan(300)
  await until(async () => (await textsOf('kitchen')).some(text => text.includes('echo: bad thing')), 20_000)
})

test('vectors, objects and the audit log of 0.1.0 are whole', async () => {
  const stores = openStores({ LARES_HOME: old.home })
  try {
    const [vectors, objects] = await Promise.all([stores.vectors(), stores.objects()])
    const counts: number[] = []
    for (const found of await vectors.models()) counts.push(await (await vectors.index(found)).count())
    expect(counts.sort()).toEqual([2, 3])
    const texts: string[] = []
    for await (const key of objects.list('people/'))
      if (key.includes('/attachments/')) texts.push((await objects.get(key)).toString())
    expect(texts.some(text => text.includes('Its service code is 7788'))).toBe(true)
    expect(texts).toHaveLength(2)
  } finally {
    await stores.close()
  }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['infra/cli/lares.mjs', 'audit', 'verify', '--json'],
    { env: { ...process.env, LARES_HOME: old.home } },
  )
  expect(JSON.parse(stdout)).toMatchObject({ problems: [] })
})
