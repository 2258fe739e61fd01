import { type Environment, readEnvironment } from '../../shared/config/environment.ts'
import { networkUrls } from '../../shared/config/network-urls.ts'
import { openDataDirectory } from '../../shared/host/data-directory.ts'
import { runProcess } from '../../shared/host/process.ts'
import { openLogger } from '../../shared/observability/pino-log.ts'
import { startEmbedded } from './embedded.ts'

/** `npm start`: the whole assistant in one process. `lares dev` starts it with `--dev`. */
await runProcess(async () => {
  const environment = readEnvironment(process.env)
  const log = openLogger('lares', environment.logLevel)
  await openDataDirectory(environment.dataDirectory, log)
  const embedded = await startEmbedded(environment, log, { isDevelopment: process.argv.includes('--dev') })
  const { signInLink } = embedded.gateway
  process.stdout.write(`Lares is ready after ${Math.round(performance.now())} ms.\nOpen ${signInLink}\n`)
  const query = new URL(signInLink).search
  for (const url of networkUrls(environment.host, environment.port))
    process.stdout.write(`On other devices: ${url}/${query}\n`)
  printMissingModels(environment).catch(error =>
    log.warn({ err: error }, 'the models could not be looked for'),
  )
  return embedded.close
})

/** Prints the built-in models that the first use will fetch, with their size and their requirements. */
async function printMissingModels(environment: Environment): Promise<void> {
  if (environment.openai) return
  // Imported after the start, because this import would slow the start.
  const { checkEmbeddings, checkModel } = await import('../cli/doctor/model.ts')
  const findings = [...(await checkModel(environment)), await checkEmbeddings(environment)]
  for (const { level, message } of findings) if (level !== 'ok') process.stdout.write(`Note: ${message}.\n`)
}
