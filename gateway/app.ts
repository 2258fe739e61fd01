import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import { LaresError } from '../shared/base/errors.ts'
import { within } from '../shared/base/timeout.ts'
import { chooseProtocol, openAccess } from './auth/access.ts'
import { checkExposure } from './auth/owner-token.ts'
import { chatRoutes } from './channels/openai/chat-completions.ts'
import { modelRoutes } from './channels/openai/models.ts'
import { webhookChannel } from './channels/webhook/webhook.ts'
import type { Parts, Rooms } from './context.ts'
import { openOutbox } from './delivery/dispatcher.ts'
import { eventRoutes } from './http/conversation-events.ts'
import { answerUnknownRoutes, problemHandler } from './http/error-responses.ts'
import { healthRoutes } from './http/health.ts'
import { messageRoutes } from './http/messages.ts'
import { measureRequests, meteredIntake, metricsRoutes } from './http/metrics.ts'
import { operationRoutes } from './http/operations.ts'
import { guardBorders } from './http/security-headers.ts'
import { pageRoutes } from './http/static-page.ts'
import { socketRoutes } from './http/websocket.ts'
import { openPressure } from './ingress/admission.ts'
import { openBreaker } from './ingress/circuit-breaker.ts'
import { openIntake } from './ingress/intake.ts'
import { openLive } from './live/live-updates.ts'

const CLOSE_LIMIT_MS = 5_000
const CHECK_LIMIT_MS = 10_000

export type Gateway = {
  app: FastifyInstance
  /** Gives back the address. Errors: `invalid_config` when the address is taken, or the token may not be used there. */
  listen(host: string, port: number): Promise<string>
  close(): Promise<void>
}

/** Puts the gateway together; it reads the bus from now on, and serves once it listens. */
export async function buildGateway(parts: Parts): Promise<Gateway> {
  const closing = new AbortController()
  const live = openLive(parts)
  const { bus, conversations, config, log, metrics, now = Date.now } = parts
  const pressure = openPressure(conversations.history, config.maxWaiting, now)
  const breaker = openBreaker(
    () => within(CHECK_LIMIT_MS, 'the bus or the store', Promise.all([bus.check(), conversations.check()])),
    log,
  )
  const intake = openIntake(parts, { live, pressure, breaker })
  const outboxes = config.deliveries.map(one =>
    openOutbox(webhookChannel(one, now), { ...parts, documents: conversations.documents }),
  )
  const rooms: Rooms = {
    parts,
    live,
    access: openAccess(parts),
    intake: metrics ? meteredIntake(intake, metrics) : intake,
    outboxes,
    closing: closing.signal,
  }
  const app = await buildApp(rooms)
  const close = async () => {
    closing.abort()
    breaker.close()
    await Promise.all([closeApp(app), ...outboxes.map(outbox => outbox.close())])
    await live.close()
  }
  return {
    app,
    async listen(host, port) {
      checkExposure(host, parts.ownerTokenGiven === true || parts.config.people.length > 0)
      return await listen(app, host, port)
    },
    close,
  }
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'another program listens there; set PORT to a free one' : message
    throw new LaresError('invalid_config', `${host}:${port} cannot be opened: ${reason}`, { cause })
  }
}

/** Lets running requests end; a connection that falls idle meanwhile is closed, and one that never does is cut. */
async function closeApp(app: FastifyInstance): Promise<void> {
  const idle = setInterval(() => app.server.closeIdleConnections(), 50)
  const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_LIMIT_MS)
  try {
    await app.close()
  } finally {
    clearInterval(idle)
    clearTimeout(cut)
  }
}

async function buildApp(rooms: Rooms): Promise<FastifyInstance> {
  const { config, log, metrics } = rooms.parts
  const app = Fastify({
    bodyLimit: config.maxBodyBytes,
    forceCloseConnections: 'idle',
    requestTimeout: 120_000,
  })
  app.setErrorHandler(problemHandler(log))
  app.decorateRequest('person', '')
  if (metrics) measureRequests(app, metrics)
  answerUnknownRoutes(app)
  guardBorders(app, rooms)
  await app.register(websocket, {
    options: { maxPayload: config.maxBodyBytes, handleProtocols: chooseProtocol },
  })
  await app.register(async open => {
    healthRoutes(open, rooms)
    metricsRoutes(open, rooms)
    pageRoutes(open, rooms)
  })
  await app.register(async guarded => {
    guarded.addHook('onRequest', async request => {
      request.person = rooms.access.enter(request)
    })
    messageRoutes(guarded, rooms)
    eventRoutes(guarded, rooms)
    socketRoutes(guarded, rooms)
    chatRoutes(guarded, rooms)
    modelRoutes(guarded, rooms)
    operationRoutes(guarded, rooms)
  })
  await app.ready()
  return app
}
