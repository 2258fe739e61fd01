import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readEnvironment } from '../../shared/config/environment.ts'
import { LaresError } from '../../shared/errors.ts'
import { runPython } from '../../shared/models/python.ts'

const VERSION = '0.9.0'

export type Qdrant = { url: string; version: string; close(): Promise<void> }

/** Qdrant's engine, as a library of Python, behind the part of its REST API that Lares uses. Errors: `unavailable`. */
export async function startQdrant(): Promise<Qdrant> {
  const library = await engine()
  const home = await mkdtemp(join(tmpdir(), 'lares-qdrant-'))
  const shim = join(import.meta.dirname, 'qdrant-shim.py')
  const running = spawn('python3', [shim, home], {
    env: { ...process.env, PYTHONPATH: library },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(running, 'exit')
  const port = await Promise.race([once(running.stdout, 'data'), ended.then(() => undefined)])
  if (!port) throw new LaresError('unavailable', 'the shim of Qdrant did not start')
  return {
    url: `http://127.0.0.1:${Number(port[0])}`,
    version: `edge ${VERSION}`,
    async close() {
      running.kill('SIGKILL')
      await ended
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function engine(): Promise<string> {
  const { cache } = readEnvironment(process.env)
  const folder = join(cache, `qdrant-edge-${VERSION}`)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  try {
    await runPython(['-m', 'pip', 'install', '--quiet', '--target', draft, `qdrant-edge-py==${VERSION}`])
    await rename(draft, folder)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
