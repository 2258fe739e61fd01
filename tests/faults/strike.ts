import { setTimeout as wait } from 'node:timers/promises'
import type { Broker } from '../../infra/kafka/broker.ts'
import type { PostgresServer } from '../support/stores/postgres.ts'
import type { FaultPoint } from './moments.ts'
import type { ProcessCluster } from './process-cluster.ts'

export const SIGNALS = ['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const
export type Signal = (typeof SIGNALS)[number]

export type FaultCase = { component: string; moment: FaultPoint; signal: Signal }

export type FaultEnvironment = {
  cluster: ProcessCluster
  broker: { current(): Broker; start(): Promise<void> }
  postgres?: PostgresServer | undefined
  /** How long a stopped process stays stopped. */
  stopMs: number
}

const FAULT_POINT_TIMEOUT_MS = 30_000
/** Into the start of a server, which has no moments of its own. */
const STARTUP_DELAY_MS = 300

/**
 * Waits for the moment, which cells that are struck together share, and strikes their components there. Gives back when
 * everything runs again (`performance.now()`), or undefined when the moment did not come.
 */
export async function injectFaults(
  batch: FaultCase[],
  environment: FaultEnvironment,
): Promise<number | undefined> {
  const { cluster } = environment
  const faultCase = batch[0]!
  const { component, moment } = faultCase
  const isServer = component === 'broker' || component === 'store'
  if (moment === 'while starting') {
    if (isServer) return await injectStartupFault(faultCase, environment)
    const reached = cluster.waitForFaultPoint(component, moment, FAULT_POINT_TIMEOUT_MS)
    process.kill(cluster.process(component).pid(), 'SIGKILL')
    return await injectAtFaultPoint(reached, batch, environment)
  }
  if (moment === 'during a rebalance') {
    const reached = cluster.waitForFaultPoint('connector', moment, FAULT_POINT_TIMEOUT_MS)
    const joining = cluster.process('connector-2').restart('SIGTERM')
    const recovered = await injectAtFaultPoint(reached, batch, environment)
    await joining
    return recovered && Math.max(recovered, performance.now())
  }
  const observedProcess = component === 'broker' ? 'connector' : component === 'store' ? 'dialog' : component
  return await injectAtFaultPoint(
    cluster.waitForFaultPoint(observedProcess, moment, FAULT_POINT_TIMEOUT_MS),
    batch,
    environment,
  )
}

async function injectAtFaultPoint(
  reached: ReturnType<ProcessCluster['waitForFaultPoint']>,
  batch: FaultCase[],
  environment: FaultEnvironment,
): Promise<number | undefined> {
  const found = await reached
  if (!found) return undefined
  await Promise.all(batch.map(faultCase => injectFault(faultCase, environment, found.release)))
  return performance.now()
}

/** `release` lets the process go on that was held at the moment; what is dead or stopped does not hear it. */
async function injectFault(
  { component, signal }: FaultCase,
  environment: FaultEnvironment,
  release: () => void,
): Promise<void> {
  if (component === 'broker') return await injectBrokerFault(signal, environment, release)
  if (component === 'store') return await injectStoreFault(signal, environment, release)
  const target = environment.cluster.process(component)
  if (signal !== 'SIGSTOP') {
    process.kill(target.pid(), signal)
    release()
    return await target.restart(signal)
  }
  await pauseProcess(target.pid(), environment.stopMs, release)
}

async function pauseProcess(pid: number, stopMs: number, release: () => void): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  release()
  await wait(stopMs)
  process.kill(pid, 'SIGCONT')
}

async function injectBrokerFault(
  signal: Signal,
  { broker, stopMs }: FaultEnvironment,
  release: () => void,
): Promise<void> {
  if (signal === 'SIGSTOP') return await pauseProcess(broker.current().pid, stopMs, release)
  const stopped = signal === 'SIGKILL' ? broker.current().kill() : broker.current().stop()
  release()
  await stopped
  await broker.start()
}

async function injectStoreFault(
  signal: Signal,
  { postgres }: FaultEnvironment,
  release: () => void,
): Promise<void> {
  const stopped = postgres!.halt(signal === 'SIGKILL' ? 'SIGKILL' : 'SIGINT')
  release()
  await stopped
  await postgres!.start()
}

/** It is started, and struck a moment into its start. */
async function injectStartupFault(faultCase: FaultCase, environment: FaultEnvironment): Promise<number> {
  await injectFault({ ...faultCase, signal: 'SIGKILL' }, environment, () => undefined)
  await wait(STARTUP_DELAY_MS)
  await injectFault(faultCase, environment, () => undefined)
  return performance.now()
}
