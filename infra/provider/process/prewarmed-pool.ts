import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LaresError } from '../../../shared/base/errors.ts'

const RUNTIME_SCRIPT = join(import.meta.dirname, 'prewarmed-runtime.ts')
/** The most time until a runtime is ready. Starting Node takes a tenth of this on an idle machine. */
const READY_TIMEOUT_MS = 20_000
/**
 * The delay before a refill. A wake and its first answer take a fifth of this; starting Node beside them would slow
 * them down.
 */
const REFILL_DELAY_MS = 100

/** A started runtime without a function. It writes its output to the file. */
export type PrewarmedRuntime = { child: ChildProcess; id: string; logFile: string }

export type PrewarmedPool = {
  /** Takes a waiting runtime, or starts a new one when none waits. Errors: `unavailable`. */
  acquire(): Promise<PrewarmedRuntime>
  /** Starts the missing runtimes later, so that the function just started has time for its first answer. */
  scheduleRefill(): void
  close(): void
}

export type PrewarmedPoolOptions = {
  /** The number of waiting runtimes. Each costs the memory of a Node process with the runtime loaded. */
  size: number
  /** The log file of a runtime without a function. */
  fileOf(instance: string): string
  environment(): NodeJS.ProcessEnv
}

type StartingRuntime = { runtime: PrewarmedRuntime; ready: Promise<PrewarmedRuntime> }

export function openPrewarmedPool({ size, fileOf, environment }: PrewarmedPoolOptions): PrewarmedPool {
  let runtimes: StartingRuntime[] = []
  let isClosed = false
  let refillTimer: NodeJS.Timeout | undefined

  const start = (): StartingRuntime => {
    const id = randomBytes(4).toString('hex')
    const logFile = fileOf(id)
    const output = openSync(logFile, 'a', 0o600)
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', RUNTIME_SCRIPT], {
      env: environment(),
      // A process group of its own: Ctrl-C in the terminal stops only the provider.
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
    })
    closeSync(output)
    child.unref()
    const runtime = { child, id, logFile }
    const starting = { runtime, ready: untilReady(runtime) }
    starting.ready.catch(() => undefined)
    child.once('exit', () => {
      runtimes = runtimes.filter(one => one !== starting)
    })
    return starting
  }
  const refill = () => {
    refillTimer = undefined
    while (!isClosed && runtimes.length < size) runtimes.push(start())
  }
  refill()
  return {
    acquire: () => (runtimes.shift() ?? start()).ready,
    scheduleRefill() {
      refillTimer ??= setTimeout(refill, REFILL_DELAY_MS).unref()
    },
    close() {
      isClosed = true
      clearTimeout(refillTimer)
      for (const { runtime } of runtimes) {
        runtime.child.kill('SIGKILL')
        rmSync(runtime.logFile, { force: true })
      }
    },
  }
}

async function untilReady(runtime: PrewarmedRuntime): Promise<PrewarmedRuntime> {
  const signal = AbortSignal.timeout(READY_TIMEOUT_MS)
  try {
    await Promise.race([once(runtime.child, 'message', { signal }), rejectOnExit(runtime.child, signal)])
    return runtime
  } catch (cause) {
    runtime.child.kill('SIGKILL')
    throw new LaresError('unavailable', `a runtime did not start; ${runtime.logFile} says why`, { cause })
  }
}

async function rejectOnExit(child: ChildProcess, signal: AbortSignal): Promise<never> {
  await once(child, 'exit', { signal })
  throw new Error('it has ended')
}
