import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import { createServer } from '../../../shared/base/node-http.ts'
import { METRICS_CONTENT_TYPE } from '../../../shared/observability/metrics.ts'
import type { Backend } from '../backend.ts'
import { openProviderMetrics } from '../metrics.ts'
import type { ProviderStore } from '../store.ts'
import { openAsyncCallQueue } from './async-calls.ts'
import { basicAuthHook } from './basic-auth.ts'
import { registerFunctionRoutes } from './function-routes.ts'
import { registerLogRoutes } from './log-routes.ts'
import { forwardHeaders, openProxy, parseTarget } from './proxy.ts'
import { registerSecretRoutes } from './secret-routes.ts'

/** The same limit as in gateway.yaml. A deployment is far smaller; an asynchronous call may need it. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

export type ProviderDependencies = {
  backend: Backend
  store: ProviderStore
  password: string
  version: string
  log: Logger
}

export type Provider = {
  app: FastifyInstance
  /** Returns the address. Errors: `invalid_config` when it is in use. */
  listen(host: string, port: number): Promise<string>
  /** Finishes running calls and leaves the functions as they are. */
  close(): Promise<void>
}

/** OpenFaaS's REST API in front of a backend. */
export async function buildProvider({
  backend,
  store,
  password,
  version,
  log,
}: ProviderDependencies): Promise<Provider> {
  const metrics = openProviderMetrics(backend)
  const proxy = openProxy(backend, metrics, log)
  const asyncCalls = openAsyncCallQueue(backend, proxy, store, log)
  const closing = new AbortController()
  const app = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: 'idle',
    // Calls of functions bypass the router: they are many, and it must not parse their bodies.
    serverFactory(handle) {
      const server = createServer((request, response) => {
        const target = parseTarget(request.url!, 'function')
        if (target) void proxy.serve(target, request, response)
        else handle(request, response)
      })
      // A connector keeps its connections; without this, Node would close them between two events.
      server.keepAliveTimeout = 60_000
      return server
    },
  })
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const isLaresError = error instanceof LaresError
    if (!isLaresError && (error.statusCode ?? 500) >= 500) log.error({ err: error }, 'a request failed')
    const status = isLaresError ? error.status : (error.statusCode ?? 500)
    if (status === 401) reply.header('www-authenticate', 'Basic realm="Restricted"')
    // faas-cli prints the body unchanged.
    return reply.code(status).type('text/plain').send(error.message)
  })
  app.addHook('onResponse', async (request, reply) =>
    metrics.requestServed(
      request.method,
      request.routeOptions.url ?? 'unknown',
      reply.statusCode,
      reply.elapsedTime / 1_000,
    ),
  )
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.get('/healthz', async () => 'OK')
  app.get('/metrics', async (_request, reply) =>
    reply.type(METRICS_CONTENT_TYPE).send(await metrics.render()),
  )
  app.route({
    method: ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'],
    url: '/async-function/*',
    async handler(request, reply) {
      const target = parseTarget(request.url, 'async-function')
      if (!target) throw new LaresError('not_found', 'name a function, as in /async-function/NAME')
      const { 'x-callback-url': callback, 'x-call-id': requestedId, ...others } = request.headers
      const id = typeof requestedId === 'string' ? requestedId : randomUUID()
      asyncCalls.enqueue(target, {
        id,
        method: request.method,
        headers: forwardHeaders(others, id),
        body: (request.body as Buffer | undefined) ?? Buffer.alloc(0),
        ...(typeof callback === 'string' && { callback }),
      })
      return reply.code(202).header('x-call-id', id).send()
    },
  })
  await app.register(async authenticated => {
    authenticated.addHook('onRequest', basicAuthHook(password))
    authenticated.get('/system/info', async () => ({
      provider: {
        provider: `lares-${backend.name}`,
        orchestration: backend.name,
        version: { release: version, sha: '' },
      },
      version: { release: version, sha: '' },
      arch: process.arch === 'x64' ? 'x86_64' : process.arch,
    }))
    registerFunctionRoutes(authenticated, backend)
    registerSecretRoutes(authenticated, backend)
    registerLogRoutes(authenticated, backend, closing.signal)
  })
  await app.ready()
  return {
    app,
    async listen(host, port) {
      return await app.listen({ host, port }).catch(cause => {
        throw new LaresError(
          'invalid_config',
          `${host}:${port} cannot be opened: ${cause.message}; set PROVIDER_PORT to a free one`,
          { cause },
        )
      })
    },
    async close() {
      closing.abort()
      await app.close()
      await asyncCalls.close()
      await proxy.close()
    },
  }
}
