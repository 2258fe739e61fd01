import { LaresError } from '../base/errors.ts'
import { readEnvironment } from '../config/environment.ts'
import { hostFunction } from './host.ts'
import { loadFunction } from './load.ts'
import { runProcess } from './process.ts'

/** Runs one function as its own process: `node shared/host/main.ts functions/NAME`, on PORT. */
await runProcess(async () => {
  const folder = process.argv[2]
  if (!folder)
    throw new LaresError('invalid_config', 'name the folder of a function, as in: functions/skills/time')
  return (await hostFunction(await loadFunction(folder), readEnvironment(process.env))).stop
})
