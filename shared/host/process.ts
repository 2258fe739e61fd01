import { surviveClosedPipe } from '../base/closed-pipe.ts'
import { toLaresError } from '../base/errors.ts'

/**
 * Starts a process of Lares, and shuts it down in order at SIGTERM or SIGINT; a second signal ends it at once. A
 * process that cannot start prints the reason in one line and exits with 1.
 */
export async function runProcess(start: () => Promise<() => Promise<void>>): Promise<void> {
  surviveClosedPipe()
  try {
    stopOnSignal(await start())
  } catch (error) {
    process.stderr.write(`lares: ${toLaresError(error).message}\n`)
    process.exit(1)
  }
}

function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false
  const onSignal = async () => {
    if (stopping) process.exit(1)
    stopping = true
    try {
      await stop()
      process.exit(0)
    } catch (error) {
      process.stderr.write(`lares: it did not stop in order: ${toLaresError(error).message}\n`)
      process.exit(1)
    }
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}
