import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { readStack } from '../../../shared/contract/stack.ts'
import { openDrivers } from '../../../shared/host/drivers.ts'
import { listFunctions, readProviderPassword } from '../../../shared/host/function-directory.ts'
import { loadStackFunction } from '../../../shared/host/load.ts'
import { findOwnSkills } from '../../../shared/host/own-skills.ts'
import { deliveriesSchema, type OperationStatus } from '../../../shared/operations/operations.ts'
import { functionsByNotice } from '../../provider/notices.ts'
import { connectToGateway } from '../connection.ts'
import { STACK_FILE } from '../operations/operations.ts'
import type { Readiness } from '../operations/readiness.ts'
import { formatDuration } from '../terminal.ts'
import { type Finding, ok, problem, runCheck, warning } from './finding.ts'
import { readProgramVersion } from './machine.ts'

/** Events that wait longer than this cause a warning. */
const LAG_WARNING_MS = 60_000

/** Checks the tools that `npm run kafka` needs. A broker that runs elsewhere needs none of them. */
export async function checkKafkaTools(isBusReachable: boolean): Promise<Finding[]> {
  const tools = [
    { name: 'java', args: ['-version'], remedy: 'apt-get install openjdk-17-jre-headless' },
    { name: 'mvn', args: ['--version'], remedy: 'apt-get install maven' },
  ]
  return await Promise.all(
    tools.map(async ({ name, args, remedy }) => {
      const version = await readProgramVersion(name, args)
      if (version !== undefined) return ok(name, version)
      const missing = `${name} is not there, which npm run kafka needs: ${remedy}`
      return isBusReachable ? warning(name, missing) : problem(name, missing)
    }),
  )
}

/**
 * Checks the bus. The embedded log belongs to the process that has it open, so it is opened only when no gateway runs.
 */
export async function checkBus(environment: Environment, isGatewayRunning: boolean): Promise<Finding> {
  const file = join(environment.dataDirectory, 'bus.db')
  if (environment.bus === 'sqlite') {
    if (isGatewayRunning)
      return ok('bus', 'the running gateway has the log open, and reports on it as "gateway: bus"')
    if (!existsSync(file)) return ok('bus', `${file} will be made at the first start`)
  }
  const drivers = openDrivers(environment, silentLogger)
  try {
    await (await drivers.bus()).check()
    return ok('bus', environment.bus === 'sqlite' ? file : `Kafka at ${environment.kafkaBrokers.join(', ')}`)
  } finally {
    await drivers.close()
  }
}

/**
 * Lists requests that the provider does not fulfil, such as limits or a node with a GPU. Each appears once, with its
 * functions.
 */
export async function checkProvider(environment: Environment): Promise<Finding[]> {
  const url = environment.openfaasUrl?.replace(/\/$/, '')
  if (url === undefined) return []
  const functions = await listFunctions(url, await readProviderPassword(environment))
  const notices = [...functionsByNotice(functions)].map(([notice, names]) =>
    warning(`${names.length === 1 ? 'function' : 'functions'} ${names.join(', ')}`, notice),
  )
  return [ok('provider', `${url} has ${functions.length} functions`), ...notices]
}

export function checkGatewayHealth({ parts, notices }: Readiness): Finding[] {
  const health = Object.entries(parts).map(([name, { ok: isOk, problem: reason = 'it is not ready' }]) =>
    isOk ? ok(`gateway: ${name}`, 'ready') : problem(`gateway: ${name}`, reason),
  )
  return [...health, ...notices.map(notice => warning('configuration', notice))]
}

/** Checks whether the connector answers, if the gateway knows its address. */
export function checkConnectorStatus({ connector }: OperationStatus): Finding[] {
  if (!connector) return []
  return [
    connector.problem === undefined ? ok('connector', 'ready') : problem('connector', connector.problem),
  ]
}

/** Checks running functions: whether they can be called and keep up. */
export function checkFunctionStatus({ functions, deadLetters }: OperationStatus): Finding[] {
  const findings = functions.map(({ name, lag, oldestMs = 0, problem: reason }) => {
    const what = `function ${name}`
    if (reason !== undefined) return problem(what, reason)
    if (oldestMs < LAG_WARNING_MS) return ok(what, lag === 0 ? 'nothing waits' : `${lag} events wait`)
    return warning(
      what,
      `${lag} events wait for ${formatDuration(oldestMs)}: the gateway's and the connector's log say why`,
    )
  })
  if (deadLetters === 0) return [...findings, ok('dead letters', 'none')]
  return [
    ...findings,
    warning('dead letters', `${deadLetters} that nobody has put back: lares dead list shows them`),
  ]
}

/** Checks whether the channels of gateway.yaml accept their replies. */
export async function checkDeliveries(environment: Environment): Promise<Finding[]> {
  const { channels, undelivered } = await (await connectToGateway(environment)).request(
    '/api/deliveries',
    deliveriesSchema,
  )
  if (undelivered.length > 0)
    return [
      warning(
        'deliveries',
        `${describeReplyCount(undelivered.length)} given up: lares deliveries list shows them, and why`,
      ),
    ]
  return channels.map(({ name, waiting }) =>
    ok(`delivery ${name}`, waiting === 0 ? 'nothing waits' : `${waiting} replies wait`),
  )
}

const describeReplyCount = (count: number): string => (count === 1 ? '1 reply was' : `${count} replies were`)

/**
 * Checks functions that do not run: whether the handler loads or, with LARES_FUNCTION_URLS, whether the function
 * answers.
 */
export async function checkFunctions({ functionUrls, skillFolders }: Environment): Promise<Finding[]> {
  const stack = await readStack(STACK_FILE)
  const inStack = stack.map(one => ({ ...one, handler: join(STACK_FILE, '..', one.handler) }))
  const own = await findOwnSkills(skillFolders, inStack)
  const checks = [...inStack, ...own].map(one =>
    runCheck(`function ${one.name}`, async () => {
      const { name } = one
      const url = functionUrls.get(name)
      if (url !== undefined) return await checkFunctionReady(name, url)
      await loadStackFunction(one)
      return ok(`function ${name}`, 'its handler loads')
    }),
  )
  return (await Promise.all(checks)).flat()
}

async function checkFunctionReady(name: string, url: string): Promise<Finding> {
  const what = `function ${name}`
  const answer = await fetch(new URL('/_/ready', url), { signal: AbortSignal.timeout(5_000) }).catch(
    (error: Error) => error,
  )
  if (answer instanceof Error)
    return problem(what, `nothing answers at ${url}: start it, or put right LARES_FUNCTION_URLS`)
  return answer.ok ? ok(what, `ready at ${url}`) : warning(what, `it is starting or stopping at ${url}`)
}
