import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../shared/base/log.ts'

export type Child = {
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
  log: Log
  /** Environment of all of them. */
  shared: Record<string, string>
}

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000
/** A process that ran this long has started well: its next restart is quick again. */
const WELL_AFTER_MS = 10_000
const STOP_LIMIT_MS = 40_000

/**
 * Keeps processes running: one that ends is started again, at once the first time and then after growing waits.
 * `stop` ends them in the reverse order of the list (who brings work before who does it), each with SIGTERM.
 */
export function startSupervisor(children: Child[], options: SupervisorOptions): { stop(): Promise<void> } {
  const kept = children.map(child => keep(child, options))
  return {
    async stop() {
      for (const one of kept.reverse()) await one.stop()
    },
  }
}

function keep(child: Child, { runFolder, log, shared }: SupervisorOptions): { stop(): Promise<void> } {
  const pidFile = join(runFolder, `${child.name}.pid`)
  let running: ChildProcess | undefined
  let waitMs = FIRST_WAIT_MS
  let restart: NodeJS.Timeout | undefined
  let stopping = false

  const start = () => {
    const startedAt = performance.now()
    const env = { ...process.env, ...shared, ...child.environment }
    const started = spawn(process.execPath, [...(child.flags ?? []), child.script, ...child.args], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    running = started
    writeFileSync(pidFile, String(started.pid))
    started.once('exit', (code, signal) => {
      running = undefined
      if (stopping) return
      waitMs =
        performance.now() - startedAt > WELL_AFTER_MS ? FIRST_WAIT_MS : Math.min(waitMs * 2, LONGEST_WAIT_MS)
      log.warn(
        { process: child.name, code, signal, againInMs: waitMs },
        `${child.name} has ended; starting it again`,
      )
      restart = setTimeout(start, waitMs)
    })
  }
  const urlFile = join(runFolder, `${child.name}.url`)
  if (child.url) writeFileSync(urlFile, child.url)
  start()
  return {
    async stop() {
      stopping = true
      clearTimeout(restart)
      if (running) await end(running)
      for (const file of [pidFile, urlFile]) rmSync(file, { force: true })
    },
  }
}

/** SIGTERM, and SIGKILL for one that does not heed it. */
async function end(running: ChildProcess): Promise<void> {
  const exited = new Promise(resolve => running.once('exit', resolve))
  running.kill('SIGTERM')
  const timer = setTimeout(() => running.kill('SIGKILL'), STOP_LIMIT_MS)
  await exited
  clearTimeout(timer)
}
