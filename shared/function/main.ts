import { readEnvironment } from '../config/environment.ts'
import { LaresError } from '../errors.ts'
import { runProcess } from '../process.ts'
import { hostFunction } from './host.ts'
import { loadFunction } from './load.ts'

/** One function as a process of its own: `node shared/function/main.ts functions/NAME`, on PORT. */
await runProcess(async () => {
  const folder = process.argv[2]
  if (!folder) throw new LaresError('invalid_config', 'name the folder of a function, as in: functions/time')
  return (await hostFunction(await loadFunction(folder), readEnvironment(process.env))).stop
})
