import { openDeadLetters } from '../../../shared/operations/dead-letters.ts'
import type { World } from '../world/calls.ts'
import type { House, HouseParts } from '../world/instance.ts'

/** What the operator did. */
export type Operator = {
  /** When each dead letter was put back last, by its id. */
  putBack: Map<string, number>
  /** Puts back all that are not yet, or that have failed again. */
  putAllBack(): Promise<void>
}

export function openOperator(house: House, { troubles, clock, trace, names }: HouseParts): Operator {
  const putBack = new Map<string, number>()
  const retry = async (id: string, eventId: string): Promise<void> => {
    const gateway = house.gateways.find(({ machine }) => machine.life)
    const life = gateway?.machine.life
    if (!life) return
    const { bus, objects, conversations } = house.drivers.of(life)
    troubles.heal(eventId)
    trace(() => `the dead letter ${id.slice(0, 8)} of ${names.of(eventId)} is put back`)
    const done = Promise.withResolvers<void>()
    life.onDeath(done.resolve)
    clock.as(life, () =>
      openDeadLetters({ bus, objects, records: conversations.records })
        .retry(id)
        .then(() => void putBack.set(id, clock.nowMs()))
        .catch(error => trace(() => `it is not: ${(error as Error).message}`))
        .then(done.resolve),
    )
    await done.promise
  }
  return {
    putBack,
    async putAllBack() {
      for (const { id, eventId } of await deadLetters(house)) if (!putBack.has(id)) await retry(id, eventId)
    },
  }
}

/** Those on the log, each once. */
export async function deadLetters({ drivers }: Pick<House, 'drivers'>): Promise<DeadLetter[]> {
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

/** Each second, what may go wrong with time: until it is calm. */
export function startWeather(house: House, operator: Operator, parts: HouseParts & World): void {
  const { clock, chance, calls, trace } = parts
  const second = async () => {
    if (chance.fault('power-cut', 'the house'))
      for (const machine of house.machines) machine.crash('the power is cut')
    for (const machine of house.machines) {
      const { name, life } = machine
      if (!life) continue
      if (chance.fault('pause', name)) machine.pause(chance.between(`${name} pauses`, 200, 30_000))
      if (chance.fault('stop', name)) machine.stop()
      if (chance.fault('clock-jump', name)) {
        const jump = chance.among(`${name} jumps`, [-600_000, -5_000, -500, 500, 5_000, 600_000])
        trace(() => `the clock of ${name} jumps to ${jump} ms off`)
        life.skewMs = jump
      }
    }
    for (const [name, group] of house.bus.groups())
      if (chance.fault('rebalance', name)) {
        trace(() => `${name} is shared anew`)
        group.rebalance()
      }
    if (chance.fault('bus-away', 'the bus'))
      calls.takeAway('bus', clock.nowMs() + chance.between('the bus', 500, 20_000))
    if (chance.fault('store-away', 'the store'))
      calls.takeAway('store', clock.nowMs() + chance.between('the store', 500, 10_000))
    if (chance.fault('objects-away', 'the objects'))
      calls.takeAway('objects', clock.nowMs() + chance.between('the objects', 500, 10_000))
    if (chance.fault('receiver-away', 'the receiver'))
      calls.takeAway('receiver', clock.nowMs() + chance.between('the receiver', 500, 20_000))
    for (const { id } of await deadLetters(house))
      if (!operator.putBack.has(id) && chance.fault('dead-retry', id.slice(0, 8))) await operator.putAllBack()
    clock.after(1_000, () => void second())
  }
  clock.after(1_000, () => void second())
}
