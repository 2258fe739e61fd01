import nodeCrypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timersPromises from 'node:timers/promises'
import workerThreads from 'node:worker_threads'
import { hash32 } from './chance.ts'
import type { Clock, Task } from './clock.ts'
import { threadsOn } from './threads.ts'

/**
 * Puts the simulated clock and chance in the place of Node's own, for all code of this thread; nothing in Lares knows.
 * Gives back what undoes it. An @sinonjs/fake-timers would do for the time alone, but a process that dies here must take
 * its timers with it, and each process has a wall clock of its own.
 */
export function installGlobals(clock: Clock, seed: number): () => void {
  const fill = bytesFrom(randomOn(clock, seed + 1))
  const undo = [
    replace(globalThis, timersOn(clock)),
    replace(globalThis, { Date: dateOn(clock) }),
    replace(performance, { now: () => clock.nowMs() }),
    replace(timersPromises, { setTimeout: waitOn(clock) }),
    replace(Math, { random: randomOn(clock, seed) }),
    replace(crypto, { getRandomValues: fill }),
    replace(nodeCrypto, { randomBytes: (size: number) => fill(Buffer.alloc(size)) }),
    replace(workerThreads, { Worker: threadsOn(clock) }),
  ]
  syncBuiltinESMExports()
  return () => {
    for (const one of undo) one()
    syncBuiltinESMExports()
  }
}

function replace(target: object, parts: Record<string, unknown>): () => void {
  const before = Object.keys(parts).map(key => [key, Object.getOwnPropertyDescriptor(target, key)] as const)
  for (const [key, value] of Object.entries(parts))
    Object.defineProperty(target, key, { value, configurable: true, writable: true })
  return () => {
    for (const [key, descriptor] of before)
      if (descriptor) Object.defineProperty(target, key, descriptor)
      else Reflect.deleteProperty(target, key)
  }
}

type Handle = { task: Task; unref(): Handle; ref(): Handle; hasRef(): boolean }

function timersOn(clock: Clock) {
  const begin = (delayMs: number, run: () => void): Handle => {
    const handle = {
      task: clock.after(delayMs, run, clock.owner()),
      unref: () => handle,
      ref: () => handle,
      hasRef: () => true,
    }
    return handle
  }
  const end = (handle: Handle | undefined) => {
    if (handle) handle.task.cancelled = true
  }
  const every = (run: (...given: unknown[]) => void, delayMs: number, ...given: unknown[]): Handle => {
    const again = () => {
      handle.task = clock.after(delayMs, again, clock.owner())
      run(...given)
    }
    const handle = begin(delayMs, again)
    return handle
  }
  return {
    setTimeout: (run: (...given: unknown[]) => void, delayMs = 0, ...given: unknown[]) =>
      begin(delayMs, () => run(...given)),
    setImmediate: (run: (...given: unknown[]) => void, ...given: unknown[]) => begin(0, () => run(...given)),
    setInterval: every,
    clearTimeout: end,
    clearImmediate: end,
    clearInterval: end,
  }
}

const waitOn =
  (clock: Clock) =>
  <T>(delayMs: number, value?: T, { signal }: { signal?: AbortSignal } = {}): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const abort = () => {
        task.cancelled = true
        reject(signal!.reason)
      }
      const task = clock.after(
        delayMs,
        () => {
          signal?.removeEventListener('abort', abort)
          resolve(value)
        },
        clock.owner(),
      )
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })

function dateOn(clock: Clock): DateConstructor {
  const date = Date
  return new Proxy(date, {
    construct: (target, given) => Reflect.construct(target, given.length > 0 ? given : [clock.wallMs()]),
    get: (target, key) => (key === 'now' ? clock.wallMs : Reflect.get(target, key)),
  })
}

/** A sequence for each process, so that what one draws does not depend on the others. */
function randomOn(clock: Clock, seed: number): () => number {
  const drawn = new Map<string, number>()
  return () => {
    const name = clock.owner()?.name ?? 'outside'
    const count = (drawn.get(name) ?? 0) + 1
    drawn.set(name, count)
    return hash32(seed, `${name} ${count}`) / 2 ** 32
  }
}

const bytesFrom =
  (random: () => number) =>
  (bytes: Uint8Array): Uint8Array => {
    for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(random() * 256)
    return bytes
  }
