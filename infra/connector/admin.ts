import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LaresError } from '../../shared/base/errors.ts'
import type { Logger } from '../../shared/base/log.ts'
import { createServer } from '../../shared/base/node-http.ts'
import { METRICS_CONTENT_TYPE, type Metrics } from '../../shared/observability/metrics.ts'
import type { InFlightRecord } from '../../shared/operations/in-flight.ts'

export type AdminOptions = {
  host: string
  port: number
  inFlight(conversation: string): InFlightRecord[]
  metrics: Pick<Metrics, 'page'>
  log: Logger
}

/**
 * Serves the connector's admin port, without a token: GET /healthz, GET /metrics for Prometheus, and
 * GET /in-flight?conversation=ID for the gateway. The answers contain nothing that people said.
 * Errors: `unavailable` when the server cannot listen on the port.
 */
export async function serveAdmin(options: AdminOptions): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    route(options, request.url ?? '/', response).catch(error => {
      options.log.error({ err: error }, 'the admin port could not answer')
      response.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause =>
      reject(
        new LaresError(
          'unavailable',
          `${options.host}:${options.port} cannot be listened on: ${cause.message}; set LARES_METRICS_PORT to a free one`,
          { cause },
        ),
      ),
    )
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function route(
  { inFlight, metrics }: AdminOptions,
  url: string,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(url, 'http://connector')
  if (pathname === '/healthz') sendJson(response, 200, { status: 'ok' })
  else if (pathname === '/metrics')
    response.writeHead(200, { 'content-type': METRICS_CONTENT_TYPE }).end(await metrics.page())
  else if (pathname === '/in-flight')
    sendJson(response, 200, { inFlight: inFlight(searchParams.get('conversation') ?? '') })
  else sendJson(response, 404, { error: { code: 'not_found', message: `there is no ${pathname}` } })
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
