import type { Invoker } from '../../../infra/connector/invokers/invoker.ts'
import { LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { Manifest } from '../../../shared/contract/catalogue.ts'
import type { LaresEvent } from '../../../shared/contract/events/event.ts'
import type { Invocable } from '../../../shared/contract/invoke.ts'
import type { Names } from '../trace.ts'
import type { Calls, World } from './calls.ts'
import type { Life, Machine } from './machine.ts'

/** Where each function runs, and what runs there while it is up. */
export type Hosts = Map<string, { machine: Machine; invocable: Invocable | undefined }>

/** Calls functions as the http invoker does: its errors, its streams, and what may happen on the way. */
export function simulatedInvoker(
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
  const gone = (name: string) => new LaresError('failed', `${name} broke off`)

  async function* invoke(name: string, event: LaresEvent, signal: AbortSignal) {
    const place = `${caller.name} calls ${name} with ${event.type.slice(6)}(${names.of(event.correlationid)})`
    const channel = openChannel()
    const { life, invocable } = hostOf(name)
    if (chance.fault('crash-before', place)) {
      caller.machine.crash(`before it ${place}`)
      await new Promise(() => undefined)
    }
    if (chance.fault('call-refused', place)) throw new LaresError('unavailable', `${name} cannot be reached`)
    const closed = new AbortController()
    const line = { lastMs: clock.nowMs() }
    const arrive = (put: () => void) => {
      line.lastMs = Math.max(line.lastMs, clock.nowMs() + calls.travelMs(`answer ${place}`))
      clock.after(line.lastMs - clock.nowMs(), put, caller)
    }
    life.onDeath(() => arrive(() => channel.fail(gone(name))))
    caller.onDeath(() => closed.abort())
    const onAbort = () => {
      closed.abort()
      channel.fail(new LaresError('unavailable', 'the caller has stopped waiting'))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const isStreaming = invocable.manifest.emits.includes('lares.stream.extended')
    const serve = async () => {
      trace(() => place)
      const held: LaresEvent[] = []
      try {
        for await (const made of invocable.invoke(copy(event), closed.signal)) {
          if (isStreaming) arrive(() => channel.put(copy(made)))
          else held.push(copy(made))
        }
        if (chance.fault('crash-after', place)) return life.machine.crash(`after its work: ${place}`)
        arrive(() => {
          held.forEach(channel.put)
          channel.end()
        })
      } catch (error) {
        const refused = refusal(error)
        trace(() => `${place}: ${refused.message}`)
        arrive(() => channel.fail(refused))
      }
    }
    clock.after(calls.travelMs(place), () => void serve(), life)
    if (chance.fault('call-repeated', place))
      clock.after(calls.travelMs(place), () => void drain(invocable.invoke(copy(event))), life)
    if (chance.fault('call-cut', place))
      clock.after(chance.between(`cut ${place}`, 1, 50), () => channel.fail(gone(name)), caller)
    try {
      yield* channel.read()
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
        clock.after(2, answer, caller)
      }),
    close: async () => undefined,
  }
}

/** What the http invoker tells apart. */
const TOLD = new Set(['busy', 'unavailable', 'forgotten'])

/** What the http invoker makes of an answer. */
function refusal(error: unknown): LaresError {
  const { code, message, retryable, retryAfterMs } = toLaresError(error)
  const known = TOLD.has(code) ? code : retryable ? 'failed' : 'rejected'
  return new LaresError(known, message, { retryable, ...(retryAfterMs !== undefined && { retryAfterMs }) })
}

async function drain(events: AsyncIterable<LaresEvent>): Promise<void> {
  try {
    for await (const _ of events);
  } catch (error) {
    // Nobody asked for it; only what it does to the store counts.
    toLaresError(error)
  }
}

const copy = (event: LaresEvent): LaresEvent => JSON.parse(JSON.stringify(event)) as LaresEvent

/** What arrives, for one who takes it in order. */
function openChannel() {
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
