import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backoffMs } from '../../shared/base/concurrency/backoff.ts'
import type { Logger } from '../../shared/base/log.ts'

export type ChildProcessSpec = {
  name: string
  /** Flags for Node. */
  flags?: string[]
  script: string
  args: string[]
  environment: Record<string, string>
  /** The process's URL. The supervisor writes it into the run folder for other programs. */
  url?: string
}

export type SupervisorOptions = {
  /** The folder for `NAME.pid` of each running process, and `NAME.url` of one that listens. */
  runFolder: string
  log: Logger
  /** The environment variables that all processes get. */
  sharedEnvironment: Record<string, string>
}

const RESTART_BACKOFF = { baseMs: 100, maxMs: 5_000 }
/** A process that ran this long has started well: its next restart has no long wait. */
const STABLE_AFTER_MS = 10_000
const STOP_TIMEOUT_MS = 40_000

/**
 * Keeps processes running: it restarts a process that ends, at once the first time and then after growing waits. `stop`
 * starts no process again from its first moment. It sends each SIGTERM in the reverse order of the list, so that a
 * process that brings work ends before the processes that do it. Each process is in a group of its own: Ctrl-C in a
 * terminal reaches the supervisor alone, which then stops the others in that order.
 */
export function startSupervisor(
  children: ChildProcessSpec[],
  options: SupervisorOptions,
): { stop(): Promise<void> } {
  const supervised = children.map(child => superviseProcess(child, options))
  return {
    async stop() {
      for (const one of supervised) one.endRestarts()
      for (const one of supervised.reverse()) await one.stop()
    },
  }
}

type SupervisedProcess = { endRestarts(): void; stop(): Promise<void> }

function superviseProcess(
  child: ChildProcessSpec,
  { runFolder, log, sharedEnvironment }: SupervisorOptions,
): SupervisedProcess {
  const pidFile = join(runFolder, `${child.name}.pid`)
  let running: ChildProcess | undefined
  let quickExits = 0
  let restartTimer: NodeJS.Timeout | undefined
  let stopping = false

  const start = () => {
    const startedAt = performance.now()
    const env = { ...process.env, ...sharedEnvironment, ...child.environment }
    const started = spawn(process.execPath, [...(child.flags ?? []), child.script, ...child.args], {
      env,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    running = started
    writeFileSync(pidFile, String(started.pid))
    started.once('exit', (code, signal) => {
      running = undefined
      if (stopping) return
      quickExits = performance.now() - startedAt > STABLE_AFTER_MS ? 1 : quickExits + 1
      const restartDelayMs = backoffMs(quickExits, RESTART_BACKOFF)
      log.warn(
        { process: child.name, code, signal, retryInMs: restartDelayMs },
        `${child.name} has ended; starting it again`,
      )
      restartTimer = setTimeout(start, restartDelayMs)
    })
  }
  const urlFile = join(runFolder, `${child.name}.url`)
  if (child.url) writeFileSync(urlFile, child.url)
  start()
  return {
    endRestarts() {
      stopping = true
      clearTimeout(restartTimer)
    },
    async stop() {
      if (running) await terminate(running)
      for (const file of [pidFile, urlFile]) rmSync(file, { force: true })
    },
  }
}

/** Sends SIGTERM, and then SIGKILL to a process that does not end in time. */
async function terminate(running: ChildProcess): Promise<void> {
  const exited = new Promise(resolve => running.once('exit', resolve))
  running.kill('SIGTERM')
  const timer = setTimeout(() => running.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}
