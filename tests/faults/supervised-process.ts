import { type ChildProcess, spawn } from 'node:child_process'
import { until } from '../support/until.ts'

export type Member = { name: string; script: string; args: string[]; environment: Record<string, string> }

/** A process that is started again whenever it ends, and how to tell that it works. */
export type Kept = {
  name: string
  pid(): number
  /** Ends it by the signal, unless it has ended already, and waits until its successor is ready. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  stop(): Promise<void>
}

const READY_LIMIT_MS = 180_000
const STOP_LIMIT_MS = 45_000
const RESTART_MS = 100

/** None stays behind when whoever started it is cut short itself. */
const alive = new Set<ChildProcess>()
process.once('exit', () => {
  for (const one of alive) one.kill('SIGKILL')
})

export async function keep(
  { name, script, args, environment }: Member,
  isReady: () => Promise<boolean>,
  onOutput: (text: string) => void,
): Promise<Kept> {
  let running: ChildProcess
  let stopping = false
  const start = () => {
    const started = spawn(process.execPath, [script, ...args], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running = started
    alive.add(started)
    started.once('exit', () => alive.delete(started))
    for (const stream of [started.stdout!, started.stderr!])
      stream.on('data', chunk => onOutput(`${name}: ${chunk}`))
    started.once('exit', () => !stopping && setTimeout(start, RESTART_MS))
  }
  const hasEnded = (one: ChildProcess) => one.exitCode !== null || one.signalCode !== null
  const ready = (other?: ChildProcess) =>
    until(async () => running !== other && !hasEnded(running) && (await isReady()), READY_LIMIT_MS)
  const stop = async () => {
    stopping = true
    if (hasEnded(running)) return
    const exited = new Promise(resolve => running.once('exit', resolve))
    running.kill('SIGTERM')
    const timer = setTimeout(() => running.kill('SIGKILL'), STOP_LIMIT_MS)
    await exited
    clearTimeout(timer)
  }
  start()
  await ready().catch(async cause => {
    await stop()
    throw new Error(`${name} did not start`, { cause })
  })
  return {
    name,
    pid: () => running.pid!,
    async end(signal) {
      const ending = running
      if (!hasEnded(ending)) ending.kill(signal)
      await ready(ending)
    },
    stop,
  }
}
