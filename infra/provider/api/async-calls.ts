import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Log } from '../../../shared/base/log.ts'
import type { Backend } from '../backend.ts'
import { NAMESPACE } from '../deployment.ts'
import type { Store } from '../store.ts'
import type { Answer, FunctionProxy, Target } from './proxy.ts'

const AT_ONCE = 32
const MAX_WAITING = 10_000
const TRIES = 10
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 30_000
const CALLBACK_LIMIT_MS = 30_000
/** What OpenFaaS's queue tries again too (https://docs.openfaas.com/openfaas-pro/retries/). */
const TRIED_AGAIN = new Set([408, 429, 500, 502, 503, 504])

const storedCall = z.object({
  name: z.string(),
  path: z.string(),
  method: z.string(),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  callback: z.string().optional(),
})

export type AsyncCalls = {
  /**
   * Takes a call: when this comes back, the call survives a crash. It may be made more than once then.
   * Errors: `not_found`, `busy`, `invalid_request` for a callback that is no URL.
   */
  accept(target: Target, call: AsyncCall): void
  /** Calls that run are finished, those that wait are made after the next start. */
  close(): Promise<void>
}

export type AsyncCall = {
  id: string
  method: string
  headers: Record<string, string | string[]>
  body: Uint8Array
  callback?: string
}

type Waiting = { id: string; call: z.infer<typeof storedCall>; body: Uint8Array }

/** Calls that nobody waits for: tried again while the function is away or fails, and told to the callback. */
export function openAsyncCalls(backend: Backend, proxy: FunctionProxy, store: Store, log: Log): AsyncCalls {
  const closing = new AbortController()
  const waiting: Waiting[] = store
    .calls()
    .map(({ id, call, body }) => ({ id, call: storedCall.parse(call), body }))
  const running = new Set<Promise<void>>()
  const next = () => {
    while (!closing.signal.aborted && running.size < AT_ONCE && waiting.length > 0) {
      const run = make(waiting.shift()!).finally(() => {
        running.delete(run)
        next()
      })
      running.add(run)
    }
  }
  const make = async ({ id, call, body }: Waiting) => {
    const startedAt = performance.now()
    for (let tries = 1; !closing.signal.aborted; tries++) {
      const answer = await proxy.call(call, { ...call, body }).catch(answerOf)
      if (TRIED_AGAIN.has(answer.status) && tries < TRIES) {
        const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS)
        await wait(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined)
        continue
      }
      if (call.callback !== undefined)
        await tell(call.callback, answer, {
          'x-call-id': id,
          'x-function-name': `${call.name}.${NAMESPACE}`,
          'x-function-status': String(answer.status),
          'x-duration-seconds': ((performance.now() - startedAt) / 1_000).toFixed(6),
        }).catch(error => log.warn({ callId: id, err: error }, 'a callback could not be told'))
      return store.removeCall(id)
    }
  }
  next()
  return {
    accept(target, { id, callback, method, headers, body }) {
      backend.get(target.name)
      if (callback !== undefined && !/^https?:$/.test(URL.parse(callback)?.protocol ?? ''))
        throw new LaresError('invalid_request', `X-Callback-Url is "${callback}", which is no http URL`)
      if (waiting.length >= MAX_WAITING)
        throw new LaresError('busy', `${MAX_WAITING} calls wait already`, { retryAfterMs: 5_000 })
      const call = { ...target, method, headers, ...(callback !== undefined && { callback }) }
      store.saveCall({ id, call, body })
      waiting.push({ id, call, body })
      next()
    },
    async close() {
      closing.abort()
      await Promise.allSettled(running)
    },
  }
}

async function tell(callback: string, answer: Answer, headers: Record<string, string>): Promise<void> {
  const type = answer.headers['content-type']
  const told = await request(callback, {
    method: 'POST',
    headers: { ...headers, ...(typeof type === 'string' && { 'content-type': type }) },
    body: answer.body,
    headersTimeout: CALLBACK_LIMIT_MS,
  })
  await told.body.dump()
}

const answerOf = (error: unknown): Answer => ({
  status: error instanceof LaresError ? error.status : 500,
  headers: { 'content-type': 'text/plain' },
  body: Buffer.from(String((error as Error).message)),
})
