import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../../shared/base/log.ts'

export type ChildProcessSpec = {
  name: string
  /** For Node itself. */
  flags?: string[]
  script: string
  args: string[]
  environment: Record<string, string>
  /** Where it listens, for those who look into the run folder. */
  url?: string
}

export type SupervisorOptions = {
  /** Where `NAME.pid` of each running process is written, and `NAME.url` of one that listens. */
  runFolder: string
  log: Logger
  /** Environment of all of them. */
  sharedEnvironment: Record<string, string>
}

const FIRST_RESTART_DELAY_MS = 100
const MAX_RESTART_DELAY_MS = 5_000
/** A process that ran this long has started well: its next restart is quick again. */
const STABLE_AFTER_MS = 10_000
const STOP_TIMEOUT_MS = 40_000

/**
 * Keeps processes running: one that ends is started again, at once the first time and then after growing waits.
 * `stop` ends them in the reverse order of the list (who brings work before who does it), each with SIGTERM.
 */
export function startSupervisor(
  children: ChildProcessSpec[],
  options: SupervisorOptions,
): { stop(): Promise<void> } {
  const supervised = children.map(child => superviseProcess(child, options))
  return {
    async stop() {
      for (const one of supervised.reverse()) await one.stop()
    },
  }
}

function superviseProcess(
  child: ChildProcessSpec,
  { runFolder, log, sharedEnvironment }: SupervisorOptions,
): { stop(): Promise<void> } {
  const pidFile = join(runFolder, `${child.name}.pid`)
  let running: ChildProcess | undefined
  let restartDelayMs = FIRST_RESTART_DELAY_MS
  let restartTimer: NodeJS.Timeout | undefined
  let stopping = false

  const start = () => {
    const startedAt = performance.now()
    const env = { ...process.env, ...sharedEnvironment, ...child.environment }
    const started = spawn(process.execPath, [...(child.flags ?? []), child.script, ...child.args], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    running = started
    writeFileSync(pidFile, String(started.pid))
    started.once('exit', (code, signal) => {
      running = undefined
      if (stopping) return
      restartDelayMs =
        performance.now() - startedAt > STABLE_AFTER_MS
          ? FIRST_RESTART_DELAY_MS
          : Math.min(restartDelayMs * 2, MAX_RESTART_DELAY_MS)
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
    async stop() {
      stopping = true
      clearTimeout(restartTimer)
      if (running) await terminate(running)
      for (const file of [pidFile, urlFile]) rmSync(file, { force: true })
    },
  }
}

/** SIGTERM, and SIGKILL for one that does not heed it. */
async function terminate(running: ChildProcess): Promise<void> {
  const exited = new Promise(resolve => running.once('exit', resolve))
  running.kill('SIGTERM')
  const timer = setTimeout(() => running.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}
