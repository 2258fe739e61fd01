import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LaresError } from '../../../shared/base/errors.ts'
import { installPythonPackage } from '../python-package.ts'

const PACKAGE_VERSION = '0.9.0'

export type Qdrant = { url: string; version: string; close(): Promise<void> }

/** Qdrant's engine, as a Python library, behind the part of its REST API that Lares uses. Errors: `unavailable`. */
export async function startQdrant(): Promise<Qdrant> {
  const library = await installPythonPackage(
    `qdrant-edge-${PACKAGE_VERSION}`,
    `qdrant-edge-py==${PACKAGE_VERSION}`,
  )
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
    version: `edge ${PACKAGE_VERSION}`,
    async close() {
      running.kill('SIGKILL')
      await ended
      await rm(home, { recursive: true, force: true })
    },
  }
}
