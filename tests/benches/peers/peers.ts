import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readEnvironment } from '../../../shared/config/environment.ts'

/**
 * The folder with npm packages that only a bench needs, fetched once into the cache: a peer is no dependency of Lares.
 * `packages` are exact, as in "n8n@2.41.3".
 */
export async function peerPackages(name: string, packages: string[]): Promise<string> {
  const cache = join(readEnvironment(process.env).cache, 'peers')
  const folder = join(cache, `${name}-${packages.map(one => one.replace(/^@?[^@]*@/, '')).join('-')}`)
  if (existsSync(folder)) return folder
  process.stderr.write(`fetching ${packages.join(', ')} for the comparison; this happens once\n`)
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  try {
    const flags = ['--prefix', draft, '--no-audit', '--no-fund', '--no-save', '--loglevel=error']
    await promisify(execFile)('npm', ['install', ...flags, ...packages], { maxBuffer: 64 * 1024 * 1024 })
    await rename(draft, folder)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
  return folder
}

/** Starts a process and gives back how to end it; what it says on stderr is shown only when it ends by itself. */
export function startPeer(command: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr!.on('data', data => {
    said = `${said}${data}`.slice(-4_000)
  })
  child.once('exit', (code, signal) => {
    if (signal === null && code !== 0) process.stderr.write(`${command} ended with ${code}:\n${said}\n`)
  })
  return child
}

export async function endPeer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  const forced = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(forced)
}
