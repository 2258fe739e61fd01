import { type ChildProcess, spawn } from 'node:child_process'
import { until } from '../support/until.ts'

export type ProcessSpec = {
  name: string
  script: string
  args: string[]
  environment: Record<string, string>
}

/** A process that is started again whenever it ends, and how to tell that it works. */
export type RestartingProcess = {
  name: string
  pid(): number
  /** Ends it by the signal, unless it has ended already, and waits until its successor is ready. */
  restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  stop(): Promise<void>
}

const READY_TIMEOUT_MS = 180_000
const STOP_TIMEOUT_MS = 45_000
const RESTART_DELAY_MS = 100

/** No child stays behind when its parent is killed. */
const runningProcesses = new Set<ChildProcess>()
process.once('exit', () => {
  for (const one of runningProcesses) one.kill('SIGKILL')
})

export async function startRestartingProcess(
  { name, script, args, environment }: ProcessSpec,
  isReady: () => Promise<boolean>,
  onOutput: (text: string) => void,
): Promise<RestartingProcess> {
  let running: ChildProcess
  let stopping = false
  const start = () => {
    const started = spawn(process.execPath, [script, ...args], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running = started
    runningProcesses.add(started)
    started.once('exit', () => runningProcesses.delete(started))
    for (const stream of [started.stdout!, started.stderr!])
      stream.on('data', chunk => onOutput(`${name}: ${chunk}`))
    started.once('exit', () => !stopping && setTimeout(start, RESTART_DELAY_MS))
  }
  const hasEnded = (one: ChildProcess) => one.exitCode !== null || one.signalCode !== null
  const waitUntilReady = (other?: ChildProcess) =>
    until(async () => running !== other && !hasEnded(running) && (await isReady()), READY_TIMEOUT_MS)
  const stop = async () => {
    stopping = true
    if (hasEnded(running)) return
    const exited = new Promise(resolve => running.once('exit', resolve))
    running.kill('SIGTERM')
    const timer = setTimeout(() => running.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(timer)
  }
  start()
  await waitUntilReady().catch(async cause => {
    await stop()
    throw new Error(`${name} did not start`, { cause })
  })
  return {
    name,
    pid: () => running.pid!,
    async restart(signal) {
      const previous = running
      if (!hasEnded(previous)) previous.kill(signal)
      await waitUntilReady(previous)
    },
    stop,
  }
}
