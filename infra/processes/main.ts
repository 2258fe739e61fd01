import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../shared/base/free-port.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { readStack } from '../../shared/contract/stack.ts'
import { openDataDirectory } from '../../shared/host/data-directory.ts'
import { FUNCTION_FLAGS } from '../../shared/host/node-flags.ts'
import { findOwnSkills } from '../../shared/host/own-skills.ts'
import { runProcess } from '../../shared/host/process.ts'
import { openLogger } from '../../shared/observability/pino-log.ts'
import { printLinkWhenReady } from './ready.ts'
import { type ChildProcessSpec, startSupervisor } from './supervisor.ts'

const HOST = '127.0.0.1'

/**
 * `npm run start:kafka`: runs gateway, connector and each function of stack.yml as separate processes, with the Kafka
 * at KAFKA_BROKERS (`npm run kafka` starts one). The supervisor restarts a process that ends.
 */
await runProcess(async () => {
  const environment = readEnvironment({ ...process.env, LARES_BUS: 'kafka' })
  const log = openLogger('processes', environment.logLevel)
  await openDataDirectory(environment.dataDirectory, log)
  const runFolder = join(environment.dataDirectory, 'run')
  await mkdir(runFolder, { recursive: true })
  const stack = await readStack('stack.yml')
  const functions = await Promise.all(
    [...stack, ...(await findOwnSkills(environment.skillFolders, stack))].map(async known => ({
      ...known,
      port: await freePort(),
    })),
  )
  const urls = functions.map(({ name, port }) => `${name}=http://${HOST}:${port}`).join(',')
  const adminPort = environment.metricsPort ?? (await freePort())
  const adminUrl = `http://${HOST}:${adminPort}`
  const children: ChildProcessSpec[] = [
    ...functions.map(({ name, handler, port }) => ({
      name,
      flags: FUNCTION_FLAGS,
      script: 'shared/host/main.ts',
      args: [handler],
      environment: { PORT: String(port), HOST },
      url: `http://${HOST}:${port}`,
    })),
    {
      name: 'connector',
      script: 'infra/connector/main.ts',
      args: [],
      environment: { LARES_FUNCTION_URLS: urls, LARES_METRICS_PORT: String(adminPort) },
      url: adminUrl,
    },
    {
      name: 'gateway',
      script: 'gateway/main.ts',
      args: [],
      environment: { LARES_FUNCTION_URLS: urls, LARES_CONNECTOR_URL: adminUrl },
    },
  ]
  const supervisor = startSupervisor(children, { runFolder, log, sharedEnvironment: { LARES_BUS: 'kafka' } })
  // A closed terminal signals this process alone: the others are in process groups of their own.
  process.on('SIGHUP', () => process.kill(process.pid, 'SIGTERM'))
  const stopWaiting = new AbortController()
  void printLinkWhenReady(environment, stopWaiting.signal)
  return async () => {
    stopWaiting.abort()
    await supervisor.stop()
  }
})
