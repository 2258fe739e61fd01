import { type ChildProcess, spawn } from 'node:child_process'

/** Starts a process and returns how to end it; shows its stderr only when it ends by itself. */
export function startPeer(command: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let errorOutput = ''
  child.stderr!.on('data', data => {
    errorOutput = `${errorOutput}${data}`.slice(-4_000)
  })
  child.once('exit', (code, signal) => {
    if (signal === null && code !== 0)
      process.stderr.write(`${command} ended with ${code}:\n${errorOutput}\n`)
  })
  return child
}

export async function stopPeer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  const killTimer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(killTimer)
}
