import { readEnvironment } from '../../shared/config/environment.ts'
import { openLog } from '../../shared/pino-log.ts'
import { runProcess } from '../../shared/process.ts'
import { startEmbedded } from './embedded.ts'

/** `npm start`: the whole assistant in one process. */
await runProcess(async () => {
  const environment = readEnvironment(process.env)
  const embedded = await startEmbedded(environment, openLog('lares', environment.logLevel))
  process.stdout.write(
    `Lares is ready after ${Math.round(performance.now())} ms.\nOpen ${embedded.gateway.link}\n`,
  )
  return embedded.close
})
