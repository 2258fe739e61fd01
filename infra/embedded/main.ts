import { readEnvironment } from '../../shared/config/environment.ts'
import { runProcess } from '../../shared/host/process.ts'
import { openLogger } from '../../shared/observability/pino-log.ts'
import { startEmbedded } from './embedded.ts'

/** `npm start`: the whole assistant in one process. */
await runProcess(async () => {
  const environment = readEnvironment(process.env)
  const embedded = await startEmbedded(environment, openLogger('lares', environment.logLevel))
  process.stdout.write(
    `Lares is ready after ${Math.round(performance.now())} ms.\nOpen ${embedded.gateway.signInLink}\n`,
  )
  return embedded.close
})
