import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import * as z from 'zod'
import { backoffMs } from '../../../shared/base/concurrency/backoff.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Backend } from '../backend.ts'
import { NAMESPACE } from '../deployment.ts'
import type { ProviderStore } from '../store.ts'
import type { FunctionProxy, FunctionResponse, InvocationTarget } from './proxy.ts'

const MAX_CONCURRENT_CALLS = 32
const MAX_QUEUED_CALLS = 10_000
const MAX_ATTEMPTS = 10
const BACKOFF = { baseMs: 200, maxMs: 30_000 }
const CALLBACK_TIMEOUT_MS = 30_000
/** Statuses that OpenFaaS's queue retries too (https://docs.openfaas.com/openfaas-pro/retries/). */
const RETRYABLE_STATUSES = new Set([408, 429, 500, 502, 503, 504])

const storedCallSchema = z.object({
  name: z.string(),
  path: z.string(),
  method: z.string(),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  callback: z.string().optional(),
})

export type AsyncCallQueue = {
  /**
   * Accepts a call. Once this returns, the call survives a crash, and the queue may make it more than once. Errors:
   * `not_found`, `busy`, `invalid_request` for a callback that is not a URL.
   */
  enqueue(target: InvocationTarget, call: AsyncCall): void
  /** Finishes running calls. The next start makes the waiting ones. */
  close(): Promise<void>
}

export type AsyncCall = {
  id: string
  method: string
  headers: Record<string, string | string[]>
  body: Uint8Array
  callback?: string
}

type QueuedCall = { id: string; call: z.infer<typeof storedCallSchema>; body: Uint8Array }

/**
 * Makes asynchronous calls. It retries while the function is unreachable or fails, and sends the result to the
 * callback.
 */
export function openAsyncCallQueue(
  backend: Backend,
  proxy: FunctionProxy,
  store: ProviderStore,
  log: Logger,
): AsyncCallQueue {
  const closing = new AbortController()
  const queue: QueuedCall[] = store
    .calls()
    .map(({ id, call, body }) => ({ id, call: storedCallSchema.parse(call), body }))
  const inFlight = new Set<Promise<void>>()
  const startQueuedCalls = () => {
    while (!closing.signal.aborted && inFlight.size < MAX_CONCURRENT_CALLS && queue.length > 0) {
      const run = invokeWithRetries(queue.shift()!).finally(() => {
        inFlight.delete(run)
        startQueuedCalls()
      })
      inFlight.add(run)
    }
  }
  const invokeWithRetries = async ({ id, call, body }: QueuedCall) => {
    const startedAt = performance.now()
    for (let attempt = 1; !closing.signal.aborted; attempt++) {
      const response = await proxy.call(call, { ...call, body }).catch(errorResponse)
      if (RETRYABLE_STATUSES.has(response.status) && attempt < MAX_ATTEMPTS) {
        await wait(backoffMs(attempt, BACKOFF), undefined, { signal: closing.signal }).catch(() => undefined)
        continue
      }
      if (call.callback !== undefined)
        await postCallback(call.callback, response, {
          'x-call-id': id,
          'x-function-name': `${call.name}.${NAMESPACE}`,
          'x-function-status': String(response.status),
          'x-duration-seconds': ((performance.now() - startedAt) / 1_000).toFixed(6),
        }).catch(error => log.warn({ callId: id, err: error }, 'a callback could not be told'))
      return store.removeCall(id)
    }
  }
  startQueuedCalls()
  return {
    enqueue(target, { id, callback, method, headers, body }) {
      backend.get(target.name)
      if (callback !== undefined && !/^https?:$/.test(URL.parse(callback)?.protocol ?? ''))
        throw new LaresError('invalid_request', `X-Callback-Url is "${callback}", which is no http URL`)
      if (queue.length >= MAX_QUEUED_CALLS)
        throw new LaresError('busy', `${MAX_QUEUED_CALLS} calls wait already`, { retryAfterMs: 5_000 })
      const call = { ...target, method, headers, ...(callback !== undefined && { callback }) }
      store.saveCall({ id, call, body })
      queue.push({ id, call, body })
      startQueuedCalls()
    },
    async close() {
      closing.abort()
      await Promise.allSettled(inFlight)
    },
  }
}

async function postCallback(
  callback: string,
  functionResponse: FunctionResponse,
  headers: Record<string, string>,
): Promise<void> {
  const type = functionResponse.headers['content-type']
  const response = await request(callback, {
    method: 'POST',
    headers: { ...headers, ...(typeof type === 'string' && { 'content-type': type }) },
    body: functionResponse.body,
    headersTimeout: CALLBACK_TIMEOUT_MS,
  })
  await response.body.dump()
}

const errorResponse = (error: unknown): FunctionResponse => ({
  status: error instanceof LaresError ? error.status : 500,
  headers: { 'content-type': 'text/plain' },
  body: Buffer.from(String((error as Error).message)),
})
