import { readEnvironment } from '../config/environment.ts'
import { openDrivers } from '../drivers.ts'
import { LaresError } from '../errors.ts'
import { openLog } from '../pino-log.ts'
import { runProcess } from '../process.ts'
import { meteredFunction } from '../telemetry/metered-function.ts'
import { invocable } from './invoke.ts'
import { loadFunction } from './load.ts'
import { serve } from './serve.ts'

/** One function as a process of its own: `node shared/function/main.ts functions/NAME`, on PORT. */
await runProcess(async () => {
  const folder = process.argv[2]
  if (!folder) throw new LaresError('invalid_config', 'name the folder of a function, as in: functions/time')
  const environment = readEnvironment(process.env)
  const definition = await loadFunction(folder)
  const log = openLog(definition.name, environment.logLevel)
  const drivers = openDrivers(environment, log)
  const services = await drivers.services(definition.uses ?? [])
  const { metrics } = drivers
  const ready = meteredFunction(
    invocable(definition, { services, objects: await drivers.objects(), log }),
    metrics,
  )
  const running = await serve(ready, { port: environment.port, host: environment.host, log, metrics })
  return async () => {
    await running.drain()
    await drivers.close()
  }
})
