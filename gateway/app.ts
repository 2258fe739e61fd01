import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import { withTimeout } from '../shared/base/concurrency/timeout.ts'
import { LaresError } from '../shared/base/errors.ts'
import { chooseSubprotocol, openAuthenticator } from './auth/access.ts'
import { checkExposure } from './auth/owner-token.ts'
import { isOutbound } from './channels/channel.ts'
import { openAiChannel } from './channels/openai/openai.ts'
import { webChannel } from './channels/web/web.ts'
import { webhookChannel } from './channels/webhook/webhook.ts'
import type { GatewayContext } from './context.ts'
import { openDispatcher } from './delivery/dispatcher.ts'
import { backupRoutes } from './http/backup.ts'
import { eventStreamRoutes } from './http/conversation-events.ts'
import { conversationRoutes } from './http/conversations.ts'
import { handleUnknownRoutes, problemHandler } from './http/error-responses.ts'
import { healthRoutes } from './http/health.ts'
import { measureRequests, meteredIntake, metricsRoutes } from './http/metrics.ts'
import { operationRoutes } from './http/operations.ts'
import { addSecurityHeaders } from './http/security-headers.ts'
import { pageRoutes } from './http/static-page.ts'
import { openAdmission } from './ingress/admission.ts'
import { createCircuitBreaker } from './ingress/circuit-breaker.ts'
import { openIntake } from './ingress/intake.ts'
import { openLiveUpdates } from './live/live-updates.ts'
import type { GatewayOptions } from './options.ts'

const CLOSE_TIMEOUT_MS = 5_000
const CHECK_TIMEOUT_MS = 10_000

export type Gateway = {
  app: FastifyInstance
  /**
   * Returns the address that the gateway listens on. Errors: `invalid_config` when the address is in use, or the token
   * may not be used there.
   */
  listen(host: string, port: number): Promise<string>
  close(): Promise<void>
}

/** Builds the gateway. It reads the bus from now on, and serves once it listens. */
export async function buildGateway(options: GatewayOptions): Promise<Gateway> {
  const closing = new AbortController()
  const liveUpdates = openLiveUpdates(options)
  const { bus, store, config, log, metrics, now = Date.now } = options
  const admission = openAdmission(store.history, config.maxWaiting, now)
  const circuitBreaker = createCircuitBreaker(
    () => withTimeout(CHECK_TIMEOUT_MS, 'the bus or the store', Promise.all([bus.check(), store.check()])),
    log,
  )
  const intake = openIntake(options, { liveUpdates, admission, circuitBreaker })
  const channels = [...config.deliveries.map(one => webhookChannel(one, now)), ...(options.channels ?? [])]
  const dispatchers = channels
    .filter(isOutbound)
    .map(channel => openDispatcher(channel, { ...options, records: store.records }))
  const context: GatewayContext = {
    options,
    liveUpdates,
    authenticator: openAuthenticator(options),
    intake: metrics ? meteredIntake(intake, metrics) : intake,
    dispatchers,
    closing: closing.signal,
  }
  const app = await buildApp(context)
  for (const channel of channels) await channel.receive?.(context.intake)
  const close = async () => {
    closing.abort()
    circuitBreaker.close()
    await Promise.all(channels.map(channel => channel.close?.()))
    await Promise.all([closeApp(app), ...dispatchers.map(dispatcher => dispatcher.close())])
    await liveUpdates.close()
  }
  return {
    app,
    async listen(host, port) {
      checkExposure(host, options.hasChosenOwnerToken === true || options.config.people.length > 0)
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

/** Lets running requests end. Closes connections that become idle meanwhile, and cuts those that never do. */
async function closeApp(app: FastifyInstance): Promise<void> {
  const idleTimer = setInterval(() => app.server.closeIdleConnections(), 50)
  const forceCloseTimer = setTimeout(() => app.server.closeAllConnections(), CLOSE_TIMEOUT_MS)
  try {
    await app.close()
  } finally {
    clearInterval(idleTimer)
    clearTimeout(forceCloseTimer)
  }
}

async function buildApp(context: GatewayContext): Promise<FastifyInstance> {
  const { config, log, metrics } = context.options
  const app = Fastify({
    bodyLimit: config.maxBodyBytes,
    forceCloseConnections: 'idle',
    requestTimeout: 120_000,
  })
  app.setErrorHandler(problemHandler(log))
  app.decorateRequest('person', '')
  if (metrics) measureRequests(app, metrics)
  handleUnknownRoutes(app)
  addSecurityHeaders(app, context)
  await app.register(websocket, {
    options: { maxPayload: config.maxBodyBytes, handleProtocols: chooseSubprotocol },
  })
  await app.register(async publicScope => {
    healthRoutes(publicScope, context)
    metricsRoutes(publicScope, context)
    pageRoutes(publicScope, context)
  })
  await app.register(async authenticatedScope => {
    authenticatedScope.addHook('onRequest', async request => {
      request.person = context.authenticator.authenticate(request)
    })
    for (const openChannel of [webChannel, openAiChannel])
      await openChannel(authenticatedScope, context).receive?.(context.intake)
    conversationRoutes(authenticatedScope, context)
    eventStreamRoutes(authenticatedScope, context)
    operationRoutes(authenticatedScope, context)
    backupRoutes(authenticatedScope, context)
  })
  await app.ready()
  return app
}
