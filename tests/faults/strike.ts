import { setTimeout as wait } from 'node:timers/promises'
import type { Broker } from '../../infra/kafka/broker.ts'
import type { PostgresServer } from '../support/stores/postgres.ts'
import type { Fleet } from './fleet.ts'
import type { Moment } from './moments.ts'

export const SIGNALS = ['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const
export type Signal = (typeof SIGNALS)[number]

export type Cell = { component: string; moment: Moment; signal: Signal }

export type Ground = {
  fleet: Fleet
  broker: { current(): Broker; start(): Promise<void> }
  postgres?: PostgresServer | undefined
  /** How long a stopped process stays so. */
  stopMs: number
}

const MEET_LIMIT_MS = 30_000
/** Into the start of a server, which has no moments of its own. */
const STARTING_MS = 300

/**
 * Waits for the moment, which cells that are struck together share, and strikes their components there. Gives back when
 * everything runs again (`performance.now()`), or undefined when the moment did not come.
 */
export async function strike(volley: Cell[], ground: Ground): Promise<number | undefined> {
  const { fleet } = ground
  const cell = volley[0]!
  const { component, moment } = cell
  const isServer = component === 'broker' || component === 'store'
  if (moment === 'while starting') {
    if (isServer) return await strikeStartingServer(cell, ground)
    const met = fleet.meet(component, moment, MEET_LIMIT_MS)
    process.kill(fleet.kept(component).pid(), 'SIGKILL')
    return await strikeWhen(met, volley, ground)
  }
  if (moment === 'during a rebalance') {
    const met = fleet.meet('connector', moment, MEET_LIMIT_MS)
    const joining = fleet.kept('connector-2').end('SIGTERM')
    const recovered = await strikeWhen(met, volley, ground)
    await joining
    return recovered && Math.max(recovered, performance.now())
  }
  const witness = component === 'broker' ? 'connector' : component === 'store' ? 'dialog' : component
  return await strikeWhen(fleet.meet(witness, moment, MEET_LIMIT_MS), volley, ground)
}

async function strikeWhen(
  met: ReturnType<Fleet['meet']>,
  volley: Cell[],
  ground: Ground,
): Promise<number | undefined> {
  const found = await met
  if (!found) return undefined
  await Promise.all(volley.map(cell => hit(cell, ground, found.release)))
  return performance.now()
}

/** `release` lets the process go on that was held at the moment; what is dead or stopped does not hear it. */
async function hit({ component, signal }: Cell, ground: Ground, release: () => void): Promise<void> {
  if (component === 'broker') return await hitBroker(signal, ground, release)
  if (component === 'store') return await hitStore(signal, ground, release)
  const kept = ground.fleet.kept(component)
  if (signal !== 'SIGSTOP') {
    process.kill(kept.pid(), signal)
    release()
    return await kept.end(signal)
  }
  await freeze(kept.pid(), ground.stopMs, release)
}

async function freeze(pid: number, stopMs: number, release: () => void): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  release()
  await wait(stopMs)
  process.kill(pid, 'SIGCONT')
}

async function hitBroker(signal: Signal, { broker, stopMs }: Ground, release: () => void): Promise<void> {
  if (signal === 'SIGSTOP') return await freeze(broker.current().pid, stopMs, release)
  const ending = signal === 'SIGKILL' ? broker.current().kill() : broker.current().stop()
  release()
  await ending
  await broker.start()
}

async function hitStore(signal: Signal, { postgres }: Ground, release: () => void): Promise<void> {
  const ending = postgres!.halt(signal === 'SIGKILL' ? 'SIGKILL' : 'SIGINT')
  release()
  await ending
  await postgres!.start()
}

/** It is started, and struck a moment into its start. */
async function strikeStartingServer(cell: Cell, ground: Ground): Promise<number> {
  await hit({ ...cell, signal: 'SIGKILL' }, ground, () => undefined)
  await wait(STARTING_MS)
  await hit(cell, ground, () => undefined)
  return performance.now()
}
