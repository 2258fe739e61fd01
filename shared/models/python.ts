import { spawn } from 'node:child_process'
import { LaresError } from '../base/errors.ts'

export type PythonOptions = { env?: NodeJS.ProcessEnv; signal?: AbortSignal | undefined }

/**
 * Runs `python3 ARGS`, or `python ARGS` if only that command exists. Errors: `unavailable` with the last line of its
 * standard error.
 */
export async function runPython(args: string[], options: PythonOptions = {}): Promise<void> {
  for (const command of ['python3', 'python']) {
    const failure = await run(command, args, options)
    if (failure === undefined) return
    if (failure !== NOT_INSTALLED) throw new LaresError('unavailable', failure)
  }
  // Waiting does not install Python, so the error is not retryable.
  throw new LaresError('unavailable', 'there is no python3', { retryable: false })
}

const NOT_INSTALLED = Symbol('the command is not installed')

/** Undefined if the command succeeded. */
function run(
  command: string,
  args: string[],
  { env, signal }: PythonOptions,
): Promise<string | typeof NOT_INSTALLED | undefined> {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal && { signal }),
  })
  let stderr = ''
  child.stderr?.on('data', data => {
    stderr = (stderr + data).slice(-2000)
  })
  return new Promise((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve(NOT_INSTALLED) : reject(error),
    )
    child.on('close', code =>
      resolve(code === 0 ? undefined : lastLine(stderr) || `${command} ended with ${code}`),
    )
  })
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
