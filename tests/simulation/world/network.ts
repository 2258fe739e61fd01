import type { Invoker } from '../../../infra/connector/invokers/invoker.ts'
import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { Manifest } from '../../../shared/contract/catalogue.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import type { Invocable } from '../../../shared/contract/invoke.ts'
import type { Names } from '../trace.ts'
import type { Calls, World } from './calls.ts'
import type { Life, Machine } from './machine.ts'

/** Where each function runs, and its code while it is up. */
export type Hosts = Map<string, { machine: Machine; invocable: Invocable | undefined }>

/** Calls functions as the HTTP invoker does: its errors, its streams, and the faults of a network. */
export function openSimulatedInvoker(
  caller: Life,
  hosts: Hosts,
  calls: Calls,
  world: World,
  names: Names,
): Invoker {
  const { clock, chance, trace } = world
  const hostOf = (name: string) => {
    const host = hosts.get(name)
    if (!host?.machine.life || !host.invocable)
      throw new LaresError('unavailable', `${name} cannot be reached`)
    return { life: host.machine.life, invocable: host.invocable }
  }
  const brokenConnection = (name: string) => new LaresError('failed', `${name} broke off`)

  async function* invoke(name: string, event: LaresEvent, signal: AbortSignal) {
    const site = `${caller.name} calls ${name} with ${event.type.slice(6)}(${names.nameOf(event.correlationid)})`
    const queue = createAsyncQueue()
    const { life, invocable } = hostOf(name)
    if (chance.injects('crash-before', site)) {
      caller.machine.crash(`before it ${site}`)
      await new Promise(() => undefined)
    }
    if (chance.injects('call-refused', site)) throw new LaresError('unavailable', `${name} cannot be reached`)
    const closed = new AbortController()
    const link = { lastMs: clock.nowMs() }
    const arrive = (put: () => void) => {
      link.lastMs = Math.max(link.lastMs, clock.nowMs() + calls.latencyMs(`answer ${site}`))
      clock.schedule(link.lastMs - clock.nowMs(), put, caller)
    }
    life.onDeath(() => arrive(() => queue.fail(brokenConnection(name))))
    caller.onDeath(() => closed.abort())
    const onAbort = () => {
      closed.abort()
      queue.fail(new LaresError('unavailable', 'the caller has stopped waiting'))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const isStreaming = invocable.manifest.emits.includes('lares.stream.extended')
    const serve = async () => {
      trace(() => site)
      const buffered: LaresEvent[] = []
      try {
        for await (const emitted of invocable.invoke(copyEvent(event), closed.signal)) {
          if (isStreaming) arrive(() => queue.put(copyEvent(emitted)))
          else buffered.push(copyEvent(emitted))
        }
        if (chance.injects('crash-after', site)) return life.machine.crash(`after its work: ${site}`)
        arrive(() => {
          buffered.forEach(queue.put)
          queue.end()
        })
      } catch (error) {
        const refused = toInvokerError(error)
        trace(() => `${site}: ${refused.message}`)
        arrive(() => queue.fail(refused))
      }
    }
    clock.schedule(calls.latencyMs(site), () => void serve(), life)
    if (chance.injects('call-repeated', site))
      clock.schedule(calls.latencyMs(site), () => void drain(invocable.invoke(copyEvent(event))), life)
    if (chance.injects('call-cut', site))
      clock.schedule(chance.between(`cut ${site}`, 1, 50), () => queue.fail(brokenConnection(name)), caller)
    try {
      yield* queue.read()
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
  return {
    invoke,
    manifest: name =>
      new Promise<Manifest>((resolve, reject) => {
        const answer = () => {
          try {
            resolve(hostOf(name).invocable.manifest)
          } catch (error) {
            reject(error)
          }
        }
        clock.schedule(2, answer, caller)
      }),
    close: async () => undefined,
  }
}

/** The cases that the HTTP invoker distinguishes. */
const PASSED_ERROR_CODES = new Set(['busy', 'unavailable', 'forgotten'])

/** The HTTP invoker's result for an answer. */
function toInvokerError(error: unknown): LaresError {
  const { code, message, retryable, retryAfterMs } = toLaresError(error)
  const known = PASSED_ERROR_CODES.has(code) ? code : retryable ? 'failed' : 'rejected'
  return new LaresError(known, message, { retryable, ...(retryAfterMs !== undefined && { retryAfterMs }) })
}

async function drain(events: AsyncIterable<LaresEvent>): Promise<void> {
  try {
    for await (const _ of events);
  } catch (error) {
    // Nobody awaits it; only its effect on the store counts.
    toLaresError(error)
  }
}

const copyEvent = (event: LaresEvent): LaresEvent => JSON.parse(JSON.stringify(event)) as LaresEvent

/** The arriving events, for a reader that takes them in order. */
function createAsyncQueue() {
  const arrived: LaresEvent[] = []
  let isOver = false
  let failure: LaresError | undefined
  let wake = () => undefined as void
  return {
    put(event: LaresEvent) {
      if (!isOver) arrived.push(event)
      wake()
    },
    end() {
      isOver = true
      wake()
    },
    fail(error: LaresError) {
      if (!isOver) failure = error
      isOver = true
      wake()
    },
    async *read(): AsyncGenerator<LaresEvent, void, undefined> {
      for (;;) {
        const event = arrived.shift()
        if (event) yield event
        else if (failure) throw failure
        else if (isOver) return
        else
          await new Promise<void>(resolve => {
            wake = resolve
          })
      }
    },
  }
}
