import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import { type Environment, readEnvironment } from '../../../shared/config/environment.ts'
import { connectOperations } from '../operations/operations.ts'
import { fetchReadiness, type Readiness } from '../operations/readiness.ts'
import { bold, formatColumns, green, print, printJson, red, yellow } from '../terminal.ts'
import { checkDatabases } from './databases.ts'
import { type Finding, runCheck } from './finding.ts'
import { checkKeys } from './keys.ts'
import { checkConfig, checkDisk, checkHome, checkNode, checkPort } from './machine.ts'
import { checkEmbeddings, checkModel, checkVectors } from './model.ts'
import {
  checkBus,
  checkConnectorStatus,
  checkDeliveries,
  checkFunctionStatus,
  checkFunctions,
  checkGatewayHealth,
  checkKafkaTools,
  checkProvider,
} from './services.ts'
import { checkVersions } from './versions.ts'

/** Resolves with the exit status: 1 when there is a problem. */
export async function doctorCommand(
  variables: NodeJS.ProcessEnv,
  { json }: { json?: boolean },
): Promise<number> {
  const findings = await diagnose(variables)
  const problems = findings.filter(({ level }) => level === 'problem').length
  if (json) printJson({ ok: problems === 0, findings })
  else printFindings(findings)
  return problems === 0 ? 0 : 1
}

/** Checks everything that is visible from this machine. No other process needs to run. */
export async function diagnose(variables: NodeJS.ProcessEnv): Promise<Finding[]> {
  const node = await checkNode()
  try {
    return [node, ...(await diagnoseEnvironment(readEnvironment(variables), variables))]
  } catch (error) {
    return [node, ...(await runCheck('environment', () => Promise.reject(error)))]
  }
}

async function diagnoseEnvironment(
  environment: Environment,
  variables: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const gateway = await fetchReadiness(environment.gatewayUrl).catch(toLaresError)
  // This check comes before those that open the log, because they lock its file.
  const versions = await runCheck('versions', () => checkVersions(environment, isRunning(gateway)))
  const results = await Promise.all([
    runCheck('disk', () => checkDisk(environment)),
    runCheck('home', () => checkHome(environment)),
    runCheck('configuration', () => checkConfig(environment, variables)),
    runCheck('keys', () => checkKeys(environment)),
    runCheck('databases', () => checkDatabases(environment, isRunning(gateway))),
    versions,
    runCheck('port', () => checkPort(environment, gateway)),
    runCheck('model', () => checkModel(environment)),
    runCheck('embeddings', () => checkEmbeddings(environment)),
    runCheck('vectors', () => checkVectors(environment)),
    diagnoseBus(environment, isRunning(gateway)),
    runCheck('provider', () => checkProvider(environment)),
    runCheck('functions', () => diagnoseFunctions(environment, isRunning(gateway))),
    isRunning(gateway) ? runCheck('deliveries', () => checkDeliveries(environment)) : [],
  ])
  return [...results.flat(), ...(isRunning(gateway) ? checkGatewayHealth(gateway) : [])]
}

const isRunning = (gateway: Readiness | LaresError): gateway is Readiness => !(gateway instanceof Error)

async function diagnoseBus(environment: Environment, isGatewayRunning: boolean): Promise<Finding[]> {
  const bus = await runCheck('bus', () => checkBus(environment, isGatewayRunning))
  if (environment.bus === 'sqlite') return bus
  const isBusReachable = bus.every(({ level }) => level === 'ok')
  return [...bus, ...(await checkKafkaTools(isBusReachable))]
}

async function diagnoseFunctions(environment: Environment, isGatewayRunning: boolean): Promise<Finding[]> {
  if (!isGatewayRunning) return await checkFunctions(environment)
  const status = await (await connectOperations(environment)).status()
  return [...checkConnectorStatus(status), ...checkFunctionStatus(status)]
}

const LEVEL_COLOURS = { ok: green, warning: yellow, problem: red }

function printFindings(findings: Finding[]): void {
  const rows = findings.map(({ level, what, message }) => [LEVEL_COLOURS[level](level), bold(what), message])
  for (const line of formatColumns(rows)) print(line)
}
