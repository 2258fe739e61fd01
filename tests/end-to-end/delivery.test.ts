import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LaresInstance, startInstance, TOKEN } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { until } from '../support/until.ts'
import { SECRET, startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts'

const WAIT_TIMEOUT_MS = 30_000

let receiver: WebhookReceiver
let model: ModelServer
let instance: LaresInstance
let configDirectory: string

beforeEach(async () => {
  receiver = await startWebhookReceiver()
  model = await startModelServer()
  configDirectory = await mkdtemp(join(tmpdir(), 'lares-config-'))
  const deliveries = [{ name: 'home', url: receiver.url, secret: SECRET }]
  await writeFile(join(configDirectory, 'gateway.yaml'), JSON.stringify({ deliveries }))
  instance = await startInstance({
    kind: 'embedded',
    modelUrl: model.url,
    environment: { LARES_CONFIG: configDirectory },
  })
}, 90_000)
afterEach(async () => {
  await instance.stop()
  await model.close()
  await receiver.close()
  await rm(configDirectory, { recursive: true })
})

const sendMessage = (text: string) =>
  instance.request('/api/messages', { method: 'POST', body: JSON.stringify({ conversation: 'room', text }) })

test('after kill -9 between the sending and its record the reply comes again, under the id by which it is known', async () => {
  await sendMessage('first')
  await until(() => receiver.deliveries.length === 1, WAIT_TIMEOUT_MS)
  const pid = instance.pid('embedded')
  receiver.respondWith(({ text }) => {
    // The receiver has accepted it, and no process is left to learn of it.
    if (text === 'echo: second' && instance.pid('embedded') === pid) process.kill(pid, 'SIGKILL')
    return 204
  })
  await sendMessage('second')
  await until(() => receiver.deliveries.length === 2, WAIT_TIMEOUT_MS)
  await instance.kill('embedded')
  await sendMessage('third')
  await until(() => receiver.deliveries.some(({ text }) => text === 'echo: third'), WAIT_TIMEOUT_MS)
  expect(receiver.deliveries.map(({ text }) => text)).toEqual(
    ['first', 'second', 'second', 'third'].map(text => `echo: ${text}`),
  )
  const [, once, again] = receiver.deliveries
  expect(again!.id).toBe(once!.id)
  expect(new Set(receiver.deliveries.map(({ id }) => id)).size).toBe(3)
}, 120_000)

test('what was given up is listed by the command, and sent once more', async () => {
  const lares = async (...args: string[]) =>
    await promisify(execFile)(process.execPath, ['infra/cli/lares.mjs', ...args], {
      env: { ...process.env, LARES_URL: instance.url, LARES_HOME: instance.home, LARES_TOKEN: TOKEN },
    }).catch((failed: { code: number; stdout: string; stderr: string }) => failed)
  expect(await lares('deliveries', 'list')).toMatchObject({
    stdout: 'home  nothing waiting\nevery reply was delivered\n',
  })
  receiver.respondWith(({ text }) => (text === 'echo: third' ? 204 : 410))
  for (const text of ['first', 'second', 'third']) await sendMessage(text)
  await until(() => receiver.deliveries.some(({ text }) => text === 'echo: third'), WAIT_TIMEOUT_MS)
  const [first, second] = receiver.deliveries
  await until(async () => (await lares('deliveries', 'list')).stdout.includes(second!.id), WAIT_TIMEOUT_MS)
  expect((await lares('deliveries', 'list')).stdout).toContain(
    'it answered 410 after one try, in conversation room',
  )

  expect((await lares('doctor')).stdout).toMatch(/deliveries +2 replies were given up: lares deliveries list/)
  receiver.respondWith(({ text }) => (text === 'echo: first' ? 410 : 204))
  receiver.deliveries.splice(0)
  const all = await lares('deliveries', 'retry', '--all')
  expect(all).toMatchObject({
    code: 1,
    stdout: `${first!.id} is not delivered to home: it answered 410\n${second!.id} is delivered to home\n`,
  })
  expect(receiver.deliveries).toEqual([first, second])
  receiver.respondWith(() => 204)
  expect((await lares('deliveries', 'retry', first!.id.slice(0, 18))).stdout).toBe(
    `${first!.id} is delivered to home\n`,
  )
  expect(await lares('deliveries', 'retry', '--all')).toMatchObject({ stdout: 'every reply was delivered\n' })
  expect((await lares('doctor')).stdout).toMatch(/delivery home +nothing waits/)
  expect(await lares('deliveries', 'retry', 'ffff')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no undelivered reply begins with "ffff"'),
  })
  expect(await lares('deliveries', 'retry')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('or --all'),
  })
}, 120_000)
