import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import WebSocket from 'ws'
import { openAuthenticator } from '../../../gateway/auth/access.ts'
import { type ChannelHarness, channelSuite } from '../../../gateway/channels/channel.suite.ts'
import type { Channel } from '../../../gateway/channels/channel.ts'
import { openAiChannel } from '../../../gateway/channels/openai/openai.ts'
import { webChannel } from '../../../gateway/channels/web/web.ts'
import { webhookChannel } from '../../../gateway/channels/webhook/webhook.ts'
import type { GatewayContext } from '../../../gateway/context.ts'
import { problemHandler } from '../../../gateway/http/error-responses.ts'
import { openLiveUpdates } from '../../../gateway/live/live-updates.ts'
import type { GatewayOptions } from '../../../gateway/options.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { openSqliteBus } from '../../../shared/bus/sqlite/sqlite-bus.ts'
import { readConfig } from '../../../shared/config/files.ts'
import { openEventLog } from '../../../shared/contract/events/event-log.ts'
import { openFolderObjects } from '../../../shared/objects/folder.ts'
import { noAudit, noProtection } from '../../../shared/protection/unprotected.ts'
import { openSqliteStore } from '../../../shared/store/sqlite/sqlite-store.ts'
import { operationsWithoutFunctions } from '../../support/operations.ts'
import { SECRET, startWebhookReceiver } from '../../support/webhook-receiver.ts'

type Say = (url: string, text: string, key: string) => Promise<boolean>

/** A channel of routes on a server of its own: the suite's handler replaces the intake. */
async function serveRoutes(
  openChannel: (scope: FastifyInstance, context: GatewayContext) => Channel,
  say: Say,
): Promise<ChannelHarness> {
  const bus = openSqliteBus({ file: ':memory:' })
  const store = openSqliteStore(':memory:')
  const objects = openFolderObjects(import.meta.dirname)
  const options: GatewayOptions = {
    bus,
    store,
    operations: operationsWithoutFunctions({ bus, objects, store }),
    audit: noAudit,
    protection: noProtection,
    events: openEventLog(bus, objects),
    config: readConfig(import.meta.dirname, 'gateway'),
    ownerToken: 'the-token-of-the-owner',
    model: async () => 'lares',
    checks: {},
    skillNames: async () => [],
    log: silentLogger,
  }
  const liveUpdates = openLiveUpdates(options)
  const closing = new AbortController()
  const app = Fastify()
  app.setErrorHandler(problemHandler(silentLogger))
  app.decorateRequest('person', '')
  app.addHook('onRequest', async request => {
    request.person = 'owner'
  })
  await app.register(websocket)
  const context: GatewayContext = {
    options,
    liveUpdates,
    authenticator: openAuthenticator(options),
    intake: () => Promise.reject(new Error('the channel has its own handler')),
    dispatchers: [],
    closing: closing.signal,
  }
  const channel = openChannel(app, context)
  let url = ''
  return {
    channel,
    async start(handler) {
      await app.register(async () => await channel.receive!(handler))
      url = await app.listen({ host: '127.0.0.1', port: 0 })
    },
    say: (text, key) => say(url, text, key),
    async stop() {
      closing.abort()
      await app.close()
      await liveUpdates.close()
      await bus.close()
      await store.close()
    },
  }
}

const post = (url: string, key: string, body: object): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
  })

const sayByHttp: Say = async (url, text, key) => {
  const response = await post(`${url}/api/messages`, key, { text })
  return response.status === 202
}

const sayBySocket: Say = async (url, text, key) => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/socket`)
  await new Promise(resolve => socket.once('open', resolve))
  socket.send(JSON.stringify({ type: 'message', text, key }))
  const frame = await new Promise<string>(resolve => socket.once('message', data => resolve(String(data))))
  socket.close()
  return (JSON.parse(frame) as { type: string }).type === 'accepted'
}

const sayByCompletion: Say = async (url, text, key) => {
  const question = { messages: [{ role: 'user', content: text }], stream: true }
  const response = await post(`${url}/v1/chat/completions`, key, question)
  await response.body?.cancel()
  return response.ok
}

channelSuite('the channel of the page, by HTTP', () => serveRoutes(webChannel, sayByHttp))
channelSuite('the channel of the page, by WebSocket', () => serveRoutes(webChannel, sayBySocket))
channelSuite('the channel of the OpenAI API', () => serveRoutes(openAiChannel, sayByCompletion))

channelSuite('the channel of a webhook', async () => {
  const receiver = await startWebhookReceiver()
  const statuses = { 'for now': 503, 'for good': 410 }
  const taken: string[] = []
  receiver.respondWith(({ text }) => {
    taken.push(text)
    return 204
  })
  return {
    channel: webhookChannel({
      name: 'home',
      url: receiver.url,
      secret: SECRET,
      giveUpAfterMinutes: 60,
    }),
    start: async () => undefined,
    received: () => taken,
    refuse: how => receiver.respondWith(() => (how ? statuses[how] : 204)),
    stop: receiver.close,
  }
})
