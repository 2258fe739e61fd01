import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const ENTRY_POINT = join('infra', 'embedded', 'main.ts')

/** The Node flags of `npm start`, read from the same line of package.json. */
function nodeFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  return String(scripts.start)
    .split(' ')
    .filter(word => word.startsWith('--'))
}

/** `lares start`: the same as `npm start`. Resolves with the exit status. */
export async function startCommand(): Promise<number> {
  const args = [...process.execArgv, ...nodeFlags(), join(ROOT, ENTRY_POINT)]
  // Replace this process, so that signals reach the server and no parent stays in memory.
  process.emitWarning = () => undefined
  if (process.platform !== 'win32')
    process.execve?.(process.execPath, [process.execPath, ...args], process.env)
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return await new Promise(resolve => child.once('exit', code => resolve(code ?? 1)))
}
