import nodeCrypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timersPromises from 'node:timers/promises'
import workerThreads from 'node:worker_threads'
import { hash32 } from './chance.ts'
import type { Clock, Task } from './clock.ts'
import { createWorkerClass } from './threads.ts'

/**
 * Replaces Node's clock and random source by the simulated ones, for all code of this thread; the product does not
 * notice. Returns a function that undoes it. @sinonjs/fake-timers would do for the time alone. But a process that dies
 * here must take its timers with it, and each process has its own wall clock.
 */
export function installSimulatedGlobals(clock: Clock, seed: number): () => void {
  const fillRandomBytes = createFillRandomBytes(createRandom(clock, seed + 1))
  const restorers = [
    replaceProperties(globalThis, createTimers(clock)),
    replaceProperties(globalThis, { Date: createDate(clock) }),
    replaceProperties(performance, { now: () => clock.nowMs() }),
    replaceProperties(timersPromises, { setTimeout: createPromisedTimeout(clock) }),
    replaceProperties(Math, { random: createRandom(clock, seed) }),
    replaceProperties(crypto, { getRandomValues: fillRandomBytes }),
    replaceProperties(nodeCrypto, { randomBytes: (size: number) => fillRandomBytes(Buffer.alloc(size)) }),
    replaceProperties(workerThreads, { Worker: createWorkerClass(clock) }),
  ]
  syncBuiltinESMExports()
  return () => {
    for (const one of restorers) one()
    syncBuiltinESMExports()
  }
}

function replaceProperties(target: object, replacements: Record<string, unknown>): () => void {
  const originals = Object.keys(replacements).map(
    key => [key, Object.getOwnPropertyDescriptor(target, key)] as const,
  )
  for (const [key, value] of Object.entries(replacements))
    Object.defineProperty(target, key, { value, configurable: true, writable: true })
  return () => {
    for (const [key, descriptor] of originals)
      if (descriptor) Object.defineProperty(target, key, descriptor)
      else Reflect.deleteProperty(target, key)
  }
}

type TimerHandle = { task: Task; unref(): TimerHandle; ref(): TimerHandle; hasRef(): boolean }

function createTimers(clock: Clock) {
  const startTimer = (delayMs: number, run: () => void): TimerHandle => {
    const handle = {
      task: clock.schedule(delayMs, run, clock.currentOwner()),
      unref: () => handle,
      ref: () => handle,
      hasRef: () => true,
    }
    return handle
  }
  const clearTimer = (handle: TimerHandle | undefined) => {
    if (handle) handle.task.cancelled = true
  }
  const startInterval = (
    run: (...args: unknown[]) => void,
    delayMs: number,
    ...args: unknown[]
  ): TimerHandle => {
    const repeat = () => {
      handle.task = clock.schedule(delayMs, repeat, clock.currentOwner())
      run(...args)
    }
    const handle = startTimer(delayMs, repeat)
    return handle
  }
  return {
    setTimeout: (run: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]) =>
      startTimer(delayMs, () => run(...args)),
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) =>
      startTimer(0, () => run(...args)),
    setInterval: startInterval,
    clearTimeout: clearTimer,
    clearImmediate: clearTimer,
    clearInterval: clearTimer,
  }
}

const createPromisedTimeout =
  (clock: Clock) =>
  <T>(delayMs: number, value?: T, { signal }: { signal?: AbortSignal } = {}): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const abort = () => {
        task.cancelled = true
        reject(signal!.reason)
      }
      const task = clock.schedule(
        delayMs,
        () => {
          signal?.removeEventListener('abort', abort)
          resolve(value)
        },
        clock.currentOwner(),
      )
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })

function createDate(clock: Clock): DateConstructor {
  const date = Date
  return new Proxy(date, {
    construct: (target, args) => Reflect.construct(target, args.length > 0 ? args : [clock.wallClockMs()]),
    get: (target, key) => (key === 'now' ? clock.wallClockMs : Reflect.get(target, key)),
  })
}

/** A sequence for each process, so that one process's draws do not depend on the others. */
function createRandom(clock: Clock, seed: number): () => number {
  const drawCounts = new Map<string, number>()
  return () => {
    const name = clock.currentOwner()?.name ?? 'outside'
    const count = (drawCounts.get(name) ?? 0) + 1
    drawCounts.set(name, count)
    return hash32(seed, `${name} ${count}`) / 2 ** 32
  }
}

const createFillRandomBytes =
  (random: () => number) =>
  (bytes: Uint8Array): Uint8Array => {
    for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(random() * 256)
    return bytes
  }
