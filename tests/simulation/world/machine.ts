import type { Chance } from '../chance.ts'
import type { Clock, TaskOwner } from '../clock.ts'
import type { WriteTrace } from '../trace.ts'

/** One life of a process: from its start to its death. */
export type Life = TaskOwner & {
  machine: Machine
  onDeath(run: () => void): void
  onPause(run: (forMs: number) => void): void
}

/**
 * A process of the instance, which lives, dies and is started again. Its durable state is in the bus and in the store.
 */
export type Machine = {
  name: string
  /** Undefined while it is down. */
  life: Life | undefined
  start(): void
  /** Kill -9: nothing of it continues, except for calls that it has sent. It is started again after a while. */
  crash(why: string): void
  /** SIGSTOP, and SIGCONT after a while. */
  pause(forMs: number): void
  /** SIGTERM: it ends its work in order, and is started again after a while. */
  stop(): void
  /** Stays down, or may start again. */
  keepDown(isDown: boolean): void
  /** The number of its deaths. */
  deaths: number
}

/** Starts the process's work; returns the function that stops it in order. */
export type Boot = (life: Life) => Promise<() => Promise<void>>

type MachineDependencies = { clock: Clock; chance: Chance; trace: WriteTrace }

/** How long an orderly stop may take before the process is killed. */
const SHUTDOWN_GRACE_MS = 10_000

export function openMachine(
  name: string,
  boot: Boot,
  { clock, chance, trace }: MachineDependencies,
): Machine {
  let close: (() => Promise<void>) | undefined
  let isKeptDown = false
  let notifyDeath: () => void = () => undefined
  let notifyPause = (_forMs: number): void => undefined

  const beginLife = () => {
    const deaths: (() => void)[] = []
    const pauses: ((forMs: number) => void)[] = []
    const life: Life = {
      name,
      machine,
      alive: true,
      pausedUntilMs: 0,
      skewMs: 0,
      onDeath: run => void deaths.push(run),
      onPause: run => void pauses.push(run),
    }
    machine.life = life
    close = undefined
    notifyDeath = () => {
      for (const run of deaths) run()
    }
    notifyPause = forMs => {
      for (const run of pauses) run(forMs)
    }
    trace(() => `${name} starts`)
    clock.runAs(life, async () => {
      close = await boot(life)
    })
  }
  const finishLife = (life: Life) => {
    life.alive = false
    machine.life = undefined
    machine.deaths++
    notifyDeath()
    clock.schedule(chance.between(`${name} is down`, 100, 6_000), machine.start)
  }
  const machine: Machine = {
    name,
    life: undefined,
    deaths: 0,
    start() {
      if (!machine.life && !isKeptDown) beginLife()
    },
    crash(why) {
      const { life } = machine
      if (!life) return
      trace(() => `${name} dies: ${why}`)
      finishLife(life)
    },
    pause(forMs) {
      const { life } = machine
      if (!life) return
      trace(() => `${name} stands still for ${Math.round(forMs)} ms`)
      life.pausedUntilMs = clock.nowMs() + forMs
      notifyPause(forMs)
    },
    stop() {
      const { life } = machine
      if (!life || !close) return
      trace(() => `${name} is to stop`)
      const isOver = () => {
        if (!life.alive) return
        trace(() => `${name} has stopped`)
        finishLife(life)
      }
      clock.schedule(SHUTDOWN_GRACE_MS, isOver)
      const finish = close
      close = undefined
      clock.schedule(0, () => void finish().then(() => clock.schedule(0, isOver)), life)
    },
    keepDown(isDown) {
      isKeptDown = isDown
      if (isDown) machine.crash('it is taken down')
      else machine.start()
    },
  }
  return machine
}
