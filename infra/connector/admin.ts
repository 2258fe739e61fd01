import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as z from 'zod'
import { LaresError } from '../../shared/base/errors.ts'
import type { Log } from '../../shared/base/log.ts'
import { createServer } from '../../shared/base/node-http.ts'
import { type Metrics, PAGE_TYPE } from '../../shared/observability/metrics.ts'
import { type PlacedStanding, placedStanding } from '../../shared/operations/in-flight.ts'

export type AdminParts = {
  host: string
  port: number
  standings(conversation: string): PlacedStanding[]
  metrics: Pick<Metrics, 'page'>
  log: Log
}

const ANSWER_LIMIT_MS = 2_000
const standings = z.object({ standings: z.array(placedStanding) })

/**
 * What the connector's process tells of itself, without a token: GET /healthz, GET /metrics for Prometheus, and
 * GET /standings?conversation=ID for `lares trace`. No words of people are in it. Errors: `unavailable` when the port cannot be listened on.
 */
export async function serveAdmin(parts: AdminParts): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    route(parts, request.url ?? '/', response).catch(error => {
      parts.log.error({ err: error }, 'the admin port could not answer')
      response.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause =>
      reject(
        new LaresError(
          'unavailable',
          `${parts.host}:${parts.port} cannot be listened on: ${cause.message}; set LARES_METRICS_PORT to a free one`,
          { cause },
        ),
      ),
    )
    server.listen(parts.port, parts.host, resolve)
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
  { standings, metrics }: AdminParts,
  url: string,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(url, 'http://connector')
  if (pathname === '/healthz') json(response, 200, { status: 'ok' })
  else if (pathname === '/metrics')
    response.writeHead(200, { 'content-type': PAGE_TYPE }).end(await metrics.page())
  else if (pathname === '/standings')
    json(response, 200, { standings: standings(searchParams.get('conversation') ?? '') })
  else json(response, 404, { error: { code: 'not_found', message: `there is no ${pathname}` } })
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/**
 * Asks the connector of a house of processes, whose run folder says where it is. Undefined when none answers: then
 * nothing is known of tries, and the log alone tells the journey.
 */
export function openStandings(
  runFolder: string,
): (conversation: string) => Promise<PlacedStanding[] | undefined> {
  return async conversation => {
    const url = await readFile(join(runFolder, 'connector.url'), 'utf8').catch(() => undefined)
    if (url === undefined) return undefined
    const query = new URLSearchParams({ conversation })
    const signal = AbortSignal.timeout(ANSWER_LIMIT_MS)
    const answer = await fetch(`${url.trim()}/standings?${query}`, { signal }).catch(() => undefined)
    return answer?.ok ? standings.parse(await answer.json()).standings : undefined
  }
}
