import { type LaresError, toLaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import type { OperationStatus } from '../../../shared/operations/operations.ts'
import {
  bold,
  dim,
  formatColumns,
  formatDuration,
  green,
  print,
  printJson,
  red,
  yellow,
} from '../terminal.ts'
import { connectOperations } from './operations.ts'
import { fetchReadiness, type Readiness } from './readiness.ts'

/** Resolves with the exit status: 0 when the gateway is ready, the connector answers, and the functions are known. */
export async function statusCommand(environment: Environment, { json }: { json?: boolean }): Promise<number> {
  const [gateway, operations] = await Promise.all([
    fetchReadiness(environment.gatewayUrl).catch(toLaresError),
    fetchStatus(environment).catch(toLaresError),
  ])
  if (json) printJson({ gateway: toJson(gateway), ...toJson(operations) })
  else {
    printGateway(environment.gatewayUrl, gateway)
    printOperations(operations, gateway)
  }
  const isConnectorDown = !isError(operations) && operations.connector?.problem !== undefined
  return isError(gateway) || !gateway.ready || isError(operations) || isConnectorDown ? 1 : 0
}

const isError = (value: object): value is LaresError => value instanceof Error

const toJson = <T extends object>(value: T | LaresError) =>
  isError(value) ? { error: { code: value.code, message: value.message } } : value

const fetchStatus = async (environment: Environment): Promise<OperationStatus> =>
  await (await connectOperations(environment)).status()

function printGateway(url: string, gateway: Readiness | LaresError): void {
  if (isError(gateway)) {
    print(red(gateway.message))
    return
  }
  print(`${bold('Gateway')} ${url} ${gateway.ready ? green('ready') : red('not ready')}`)
  const rows = Object.entries(gateway.parts).map(([name, { problem }]) => [name, problem ?? 'ready'])
  for (const line of formatColumns(rows)) print(`  ${line}`)
  for (const notice of gateway.notices) print(yellow(`  ${notice}`))
}

function printOperations(operations: OperationStatus | LaresError, gateway: Readiness | LaresError): void {
  if (isError(operations)) {
    // Without a gateway, the line above has the reason already.
    if (!isError(gateway)) print(red(operations.message))
    return
  }
  const { functions, deadLetters, connector } = operations
  if (connector) print(`${bold('Connector')} ${connector.problem ? red(connector.problem) : green('ready')}`)
  print(bold('Functions'))
  const rows = functions.map(({ name, lag, oldestMs, problem }) => [
    name,
    lag === 0
      ? dim('nothing waits')
      : `${lag} waiting${oldestMs === undefined ? '' : ` for ${formatDuration(oldestMs)}`}`,
    problem ? red(problem) : '',
  ])
  for (const line of formatColumns(rows)) print(`  ${line}`)
  if (deadLetters === 0) print(`${bold('Dead letters')} none`)
  else print(yellow(`${bold('Dead letters')} ${deadLetters} that nobody has put back: lares dead list`))
}
