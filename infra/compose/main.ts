import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { prepareCompose } from './prepare.ts'

const COMPOSE_FILE = join(import.meta.dirname, 'compose.yaml')

/**
 * `npm run compose -- ARGUMENTS`: runs `docker compose` with infra/compose/compose.yaml and the variables that it
 * requires.
 */
try {
  process.exitCode = await runCompose(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`lares: ${toLaresError(error).message}\n`)
  process.exitCode = 1
}

async function runCompose(args: string[]): Promise<number> {
  const { envFile, variables } = await prepareCompose(readEnvironment(process.env))
  const child = spawn('docker', ['compose', '--env-file', envFile, '--file', COMPOSE_FILE, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...variables },
  })
  // Docker Compose handles the signals; this process only waits for it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  const [code] = await once(child, 'exit').catch(cause => {
    throw new LaresError(
      'unavailable',
      `docker cannot be run: ${cause.message}; install Docker with Compose`,
      {
        cause,
      },
    )
  })
  return code ?? 1
}
