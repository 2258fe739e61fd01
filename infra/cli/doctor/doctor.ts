import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { type Environment, readEnvironment } from '../../../shared/config/environment.ts'
import { openOperations } from '../operations/operations.ts'
import { type Readiness, readReadiness } from '../operations/readiness.ts'
import { bold, columns, green, print, printJson, red, yellow } from '../terminal.ts'
import { type Finding, finding } from './finding.ts'
import { checkKeys } from './keys.ts'
import { checkConfig, checkDisk, checkHome, checkNode, checkPort } from './machine.ts'
import { checkEmbeddings, checkModel, checkVectors } from './model.ts'
import {
  checkBus,
  checkDeliveries,
  checkFunctions,
  checkKafkaTools,
  checkParts,
  checkProvider,
  checkStatus,
} from './services.ts'

/** Resolves with the exit status: 1 when there is a problem. */
export async function doctorCommand(
  variables: NodeJS.ProcessEnv,
  { json }: { json?: boolean },
): Promise<number> {
  const findings = await examine(variables)
  const problems = findings.filter(({ level }) => level === 'problem').length
  if (json) printJson({ ok: problems === 0, findings })
  else printFindings(findings)
  return problems === 0 ? 0 : 1
}

/** Everything that can be looked at from here; nothing needs to run. */
export async function examine(variables: NodeJS.ProcessEnv): Promise<Finding[]> {
  const node = await checkNode()
  try {
    return [node, ...(await examineAll(readEnvironment(variables)))]
  } catch (error) {
    return [node, ...(await finding('environment', () => Promise.reject(error)))]
  }
}

async function examineAll(environment: Environment): Promise<Finding[]> {
  const gateway = await readReadiness(environment.gatewayUrl).catch(toLaresError)
  const found = await Promise.all([
    finding('disk', () => checkDisk(environment)),
    finding('home', () => checkHome(environment)),
    finding('configuration', () => checkConfig(environment)),
    finding('keys', () => checkKeys(environment)),
    finding('port', () => checkPort(environment, gateway)),
    finding('model', () => checkModel(environment)),
    finding('embeddings', () => checkEmbeddings(environment)),
    finding('vectors', () => checkVectors(environment)),
    examineBus(environment, isRunning(gateway)),
    finding('provider', () => checkProvider(environment)),
    finding('functions', () => examineFunctions(environment, isRunning(gateway))),
    isRunning(gateway) ? finding('deliveries', () => checkDeliveries(environment)) : [],
  ])
  return [...found.flat(), ...(isRunning(gateway) ? checkParts(gateway) : [])]
}

const isRunning = (gateway: Readiness | LaresError): gateway is Readiness => !(gateway instanceof Error)

async function examineBus(environment: Environment, running: boolean): Promise<Finding[]> {
  const bus = await finding('bus', () => checkBus(environment, running))
  if (environment.bus === 'sqlite') return bus
  const reached = bus.every(({ level }) => level === 'ok')
  return [...bus, ...(await checkKafkaTools(reached))]
}

async function examineFunctions(environment: Environment, running: boolean): Promise<Finding[]> {
  if (!running) return await checkFunctions(environment)
  const operations = await openOperations(environment)
  try {
    return checkStatus(await operations.status())
  } finally {
    await operations.close()
  }
}

const MARKS = { ok: green, warning: yellow, problem: red }

function printFindings(findings: Finding[]): void {
  const rows = findings.map(({ level, what, message }) => [MARKS[level](level), bold(what), message])
  for (const line of columns(rows)) print(line)
}
