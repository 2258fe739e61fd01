import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { print } from './terminal.ts'

/** The folders and files with running code, besides the configuration and the operator's own skills. */
const WATCHED_PATHS = ['functions', 'shared', 'gateway', 'infra', 'stack.yml']
const ENTRY_POINT = join('infra', 'embedded', 'main.ts')
/** Editors write a file in several steps, and a checkout writes many files. */
const QUIET_PERIOD_MS = 200
/** A running turn may end in this time; the next start resumes one that does not. */
const STOP_TIMEOUT_MS = 10_000

export type DevOptions = {
  /** The checkout. */
  root: string
  /** The configuration directory. */
  config: string
  /** Folders with the operator's own skills; the existing ones are watched. */
  skillFolders: readonly string[]
}

/**
 * Runs everything in one process, and restarts it after each change of a function, the configuration or the code.
 * Conversations continue: the messages are on the log, and a turn outlives the process (promise P1). A process that
 * does not start waits for the next change. Ends in order at SIGTERM or SIGINT.
 */
export async function devCommand({ root, config, skillFolders }: DevOptions): Promise<number> {
  let running: ChildProcess | undefined
  let changed: string | undefined
  let wake: () => void = () => undefined
  let isStopping = false
  const recordChange = (path: string) => {
    changed = relative(root, path)
    wake()
  }
  const stop = () => {
    isStopping = true
    wake()
  }
  const watchers = [...WATCHED_PATHS.map(name => join(root, name)), config, ...skillFolders].flatMap(path =>
    watchTree(path, recordChange),
  )
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  while (!isStopping) {
    running = startProcess(root)
    await new Promise<void>(resolve => {
      wake = resolve
      if (changed !== undefined || isStopping) resolve()
    })
    await waitUntilQuiet(() => changed)
    if (changed !== undefined && !isStopping) print(`${changed} has changed; starting again.`)
    changed = undefined
    await stopProcess(running)
  }
  for (const watcher of watchers) watcher.close()
  return 0
}

function startProcess(root: string): ChildProcess {
  const child = spawn(process.execPath, [...process.execArgv, ENTRY_POINT, '--dev'], {
    cwd: root,
    stdio: 'inherit',
  })
  child.once('exit', code => {
    if (code) print('It did not start, and is tried again when a file changes.')
  })
  return child
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}

function watchTree(path: string, recordChange: (path: string) => void): FSWatcher[] {
  if (!existsSync(path)) return []
  const onChange = (_: string, name: string | null) => {
    if (name === null || name === basename(path)) recordChange(path)
    else if (isSourceFile(name)) recordChange(join(path, name))
  }
  return [watch(path, { recursive: true }, onChange)]
}

/** Whether a file affects the running code: tests, hidden files and files that editors leave do not. */
const isSourceFile = (name: string): boolean =>
  !name.split(sep).some(part => part === 'node_modules' || part.startsWith('.')) &&
  !/(\.test\.ts|~|\.swp|\.tmp)$/.test(name)

/** Resolves when nothing has changed for a while. */
async function waitUntilQuiet(latest: () => string | undefined): Promise<void> {
  for (let seen: string | undefined; seen !== latest(); ) {
    seen = latest()
    await new Promise(resolve => setTimeout(resolve, QUIET_PERIOD_MS))
  }
}
