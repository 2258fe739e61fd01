import { openDeadLetters } from '../../../shared/operations/dead-letters.ts'
import type { World } from '../world/calls.ts'
import type { SimulatedInstance, SimulationContext } from '../world/instance.ts'

/** The operator's actions. */
export type Operator = {
  /** The time of each dead letter's last retry, by its id. */
  retriedAtMs: Map<string, number>
  /** Retries all dead letters that are not retried yet, or that have failed again. */
  retryAll(): Promise<void>
}

export function openOperator(
  instance: SimulatedInstance,
  { functionFaults, clock, trace, names }: SimulationContext,
): Operator {
  const retriedAtMs = new Map<string, number>()
  const retry = async (id: string, eventId: string): Promise<void> => {
    const gateway = instance.gateways.find(({ machine }) => machine.life)
    const life = gateway?.machine.life
    if (!life) return
    const { bus, objects, store } = instance.drivers.forProcess(life)
    functionFaults.heal(eventId)
    trace(() => `the dead letter ${id.slice(0, 8)} of ${names.nameOf(eventId)} is put back`)
    const done = Promise.withResolvers<void>()
    life.onDeath(done.resolve)
    clock.runAs(life, () =>
      openDeadLetters({ bus, objects, records: store.records })
        .retry(id)
        .then(() => void retriedAtMs.set(id, clock.nowMs()))
        .catch(error => trace(() => `it is not: ${(error as Error).message}`))
        .then(done.resolve),
    )
    await done.promise
  }
  return {
    retriedAtMs,
    async retryAll() {
      for (const { id, eventId } of await readDeadLetters(instance))
        if (!retriedAtMs.has(id)) await retry(id, eventId)
    },
  }
}

/** The dead letters on the log, each once. */
export async function readDeadLetters({
  drivers,
}: Pick<SimulatedInstance, 'drivers'>): Promise<DeadLetter[]> {
  const found = new Map<string, DeadLetter>()
  for (const { headers, value } of await drivers.outside.records('lares.deadletter')) {
    const data = JSON.parse(value.toString()) as DeadLetterData
    const id = headers.ce_id!
    if (!found.has(id)) found.set(id, { id, eventId: data.event?.id ?? '', data })
  }
  return [...found.values()]
}

export type DeadLetter = { id: string; eventId: string; data: DeadLetterData }

export type DeadLetterData = {
  function: string
  error: { code: string; message: string }
  event?: { id: string; type: string; correlationid: string; subject: string }
}

/** Each second, until calm, the faults that time brings. */
export function startFaultSchedule(
  instance: SimulatedInstance,
  operator: Operator,
  context: SimulationContext & World,
): void {
  const { clock, chance, calls, trace } = context
  const tick = async () => {
    if (chance.injects('power-cut', 'instance'))
      for (const machine of instance.machines) machine.crash('the power is cut')
    for (const machine of instance.machines) {
      const { name, life } = machine
      if (!life) continue
      if (chance.injects('pause', name)) machine.pause(chance.between(`${name} pauses`, 200, 30_000))
      if (chance.injects('stop', name)) machine.stop()
      if (chance.injects('clock-jump', name)) {
        const jump = chance.pick(`${name} jumps`, [-600_000, -5_000, -500, 500, 5_000, 600_000])
        trace(() => `the clock of ${name} jumps to ${jump} ms off`)
        life.skewMs = jump
      }
    }
    for (const [name, group] of instance.bus.groups())
      if (chance.injects('rebalance', name)) {
        trace(() => `${name} is shared anew`)
        group.rebalance()
      }
    if (chance.injects('bus-away', 'the bus'))
      calls.makeUnreachable('bus', clock.nowMs() + chance.between('the bus', 500, 20_000))
    if (chance.injects('store-away', 'the store'))
      calls.makeUnreachable('store', clock.nowMs() + chance.between('the store', 500, 10_000))
    if (chance.injects('objects-away', 'the objects'))
      calls.makeUnreachable('objects', clock.nowMs() + chance.between('the objects', 500, 10_000))
    if (chance.injects('receiver-away', 'the receiver'))
      calls.makeUnreachable('receiver', clock.nowMs() + chance.between('the receiver', 500, 20_000))
    for (const { id } of await readDeadLetters(instance))
      if (!operator.retriedAtMs.has(id) && chance.injects('dead-retry', id.slice(0, 8)))
        await operator.retryAll()
    clock.schedule(1_000, () => void tick())
  }
  clock.schedule(1_000, () => void tick())
}
