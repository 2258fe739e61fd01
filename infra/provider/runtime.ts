import { readEnvironment } from '../../shared/config/environment.ts'
import { openDrivers } from '../../shared/drivers.ts'
import { toLaresError } from '../../shared/errors.ts'
import { invocable } from '../../shared/function/invoke.ts'
import { loadFunction } from '../../shared/function/load.ts'
import { serve } from '../../shared/function/serve.ts'
import { openLog } from '../../shared/pino-log.ts'
import { runProcess } from '../../shared/process.ts'

/**
 * A started, empty runtime: it has loaded all that functions share and waits for its provider to say which one it is.
 * It outlives the provider from then on, and ends with it before.
 */

export type Assignment = { handler: string; environment: Record<string, string> }
export type Announcement = { port: number } | { problem: string }

stampLines(process.stdout)
stampLines(process.stderr)
process.once('disconnect', endEmpty)
process.once('message', (assignment: Assignment) => void become(assignment))
announce({ ready: true })

function endEmpty(): never {
  process.exit(0)
}

async function become({ handler, environment: variables }: Assignment): Promise<void> {
  process.off('disconnect', endEmpty)
  Object.assign(process.env, variables)
  await runProcess(async () => {
    const environment = readEnvironment(process.env)
    try {
      const definition = await loadFunction(handler)
      const log = openLog(definition.name, environment.logLevel)
      const drivers = openDrivers(environment, log)
      const services = await drivers.services(definition.uses ?? [])
      const ready = invocable(definition, { services, objects: await drivers.objects(), log })
      const running = await serve(ready, { port: 0, host: '127.0.0.1', log })
      announce({ port: running.port })
      process.disconnect()
      return async () => {
        await running.drain()
        await drivers.close()
      }
    } catch (error) {
      announce({ problem: toLaresError(error).message })
      throw error
    }
  })
}

function announce(message: Announcement | { ready: true }): void {
  process.send?.(message)
}

/** Whoever reads the file later shall know when a line was printed. */
function stampLines(stream: NodeJS.WriteStream): void {
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
