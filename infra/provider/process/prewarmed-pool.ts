import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LaresError } from '../../../shared/base/errors.ts'

const RUNTIME = join(import.meta.dirname, 'prewarmed-runtime.ts')
/** Starting Node takes a tenth of this on an idle machine. */
const READY_LIMIT_MS = 20_000
/** A wake and its first answer take a fifth of this; starting Node beside them would slow them down. */
const REFILL_AFTER_MS = 100

/** A started runtime that is no function yet. What it writes goes to the file. */
export type Spare = { child: ChildProcess; id: string; logFile: string }

export type Pool = {
  /** One that waits, or a new one when none does. Errors: `unavailable`. */
  take(): Promise<Spare>
  /** Starts as many as are missing, when the function that was taken has had time for its first answer. */
  refillSoon(): void
  close(): void
}

export type PoolOptions = {
  /** How many wait. Each costs the memory of a Node process with the runtime loaded. */
  size: number
  /** Where a spare writes until it has a name. */
  fileOf(instance: string): string
  environment(): NodeJS.ProcessEnv
}

type Starting = { spare: Spare; ready: Promise<Spare> }

export function openPool({ size, fileOf, environment }: PoolOptions): Pool {
  let waiting: Starting[] = []
  let closed = false
  let refilling: NodeJS.Timeout | undefined

  const start = (): Starting => {
    const id = randomBytes(4).toString('hex')
    const logFile = fileOf(id)
    const output = openSync(logFile, 'a', 0o600)
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', RUNTIME], {
      env: environment(),
      // A group of its own: the terminal's Ctrl-C is for the provider.
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
    })
    closeSync(output)
    child.unref()
    const spare = { child, id, logFile }
    const starting = { spare, ready: ready(spare) }
    starting.ready.catch(() => undefined)
    child.once('exit', () => {
      waiting = waiting.filter(one => one !== starting)
    })
    return starting
  }
  const refill = () => {
    refilling = undefined
    while (!closed && waiting.length < size) waiting.push(start())
  }
  refill()
  return {
    take: () => (waiting.shift() ?? start()).ready,
    refillSoon() {
      refilling ??= setTimeout(refill, REFILL_AFTER_MS).unref()
    },
    close() {
      closed = true
      clearTimeout(refilling)
      for (const { spare } of waiting) {
        spare.child.kill('SIGKILL')
        rmSync(spare.logFile, { force: true })
      }
    },
  }
}

async function ready(spare: Spare): Promise<Spare> {
  const signal = AbortSignal.timeout(READY_LIMIT_MS)
  try {
    await Promise.race([once(spare.child, 'message', { signal }), failure(spare.child, signal)])
    return spare
  } catch (cause) {
    spare.child.kill('SIGKILL')
    throw new LaresError('unavailable', `a runtime did not start; ${spare.logFile} says why`, { cause })
  }
}

async function failure(child: ChildProcess, signal: AbortSignal): Promise<never> {
  await once(child, 'exit', { signal })
  throw new Error('it has ended')
}
