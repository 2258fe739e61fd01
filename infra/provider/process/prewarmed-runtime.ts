import { toLaresError } from '../../../shared/base/errors.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { hostFunction } from '../../../shared/host/host.ts'
import { loadFunction } from '../../../shared/host/load.ts'
import { runProcess } from '../../../shared/host/process.ts'
import { warmUpRuntime } from './rehearsal.ts'

const HOST = '127.0.0.1'

/**
 * A started, empty runtime. It has executed all code that functions share and waits for its provider to assign a
 * function. Before the assignment it ends with the provider; afterwards it outlives it.
 */

export type StartCommand = { handler: string; environment: Record<string, string> }
export type StartResult = { port: number } | { problem: string }

timestampLines(process.stdout)
timestampLines(process.stderr)
process.once('disconnect', exitUnused)
process.once('message', (assignment: StartCommand) => void runFunction(assignment))
// The rehearsal does not load these, and many functions import them.
await Promise.all([
  warmUpRuntime(readEnvironment(process.env)),
  import('../../../shared/store/sqlite/sqlite-store.ts'),
  import('../../../shared/language/moments/moment.ts'),
  import('../../../shared/language/choices.ts'),
])
sendToProvider({ ready: true })

function exitUnused(): never {
  process.exit(0)
}

async function runFunction({ handler, environment: variables }: StartCommand): Promise<void> {
  process.off('disconnect', exitUnused)
  Object.assign(process.env, variables)
  await runProcess(async () => {
    try {
      const environment = { ...readEnvironment(process.env), port: 0, host: HOST }
      const running = await hostFunction(await loadFunction(handler), environment)
      sendToProvider({ port: running.port })
      process.disconnect()
      return running.stop
    } catch (error) {
      sendToProvider({ problem: toLaresError(error).message })
      throw error
    }
  })
}

function sendToProvider(message: StartResult | { ready: true }): void {
  process.send?.(message)
}

/** Stamps each line, so that readers of the file know when it was printed. */
function timestampLines(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (text: string, ...rest: unknown[]) => boolean
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    const lines = Buffer.from(chunk as Uint8Array)
      .toString()
      .replace(/\n$/, '')
      .split('\n')
    const at = new Date().toISOString()
    return write(lines.map(line => `${at} ${line}\n`).join(''), ...rest)
  }) as typeof stream.write
}
