import { LaresError } from '../../../shared/base/errors.ts'
import type { Chance } from '../chance.ts'
import type { Clock } from '../clock.ts'
import type { FaultName } from '../faults.ts'
import type { Trace } from '../trace.ts'
import type { Life } from './machine.ts'

/** How the calls of processes reach what is outside of them. Each call is a step before and after which a process may die. */
export type Calls = {
  /**
   * Resolves with what `effect` gives. The effect happens when the request arrives, whether or not the caller still lives.
   * Errors: those of the effect; `unavailable` by a fault.
   */
  make<T>(call: Call<T>): Promise<T>
  /** How long something travels, in milliseconds. */
  travelMs(place: string): number
  /** Something that many share cannot be reached until then. */
  takeAway(what: Shared, untilMs: number): void
  isAway(what: Shared): boolean
}

export type Shared = 'bus' | 'store' | 'objects' | 'receiver'

export type Call<T> = {
  life: Life
  of: Shared
  /** What is called and what about, as a fault's place. */
  place: string
  refused?: FaultName
  unconfirmed?: FaultName
  /** The request may not overtake the one before it of the same line. */
  line?: Line
  effect(): T | Promise<T>
}

export type Line = { lastMs: number }

export type World = { clock: Clock; chance: Chance; trace: Trace }

const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

export function openCalls({ clock, chance, trace }: World): Calls {
  const awayUntilMs: Record<Shared, number> = { bus: 0, store: 0, objects: 0, receiver: 0 }
  const isAway = (what: Shared) => clock.nowMs() < awayUntilMs[what]
  const travelMs = (place: string) =>
    chance.fault('delay', place)
      ? chance.between(`late ${place}`, 20, 1_500)
      : chance.between(`travel ${place}`, 0.2, 4)
  const arrivalMs = (place: string, line: Line | undefined): number => {
    const atMs = clock.nowMs() + travelMs(place)
    if (!line) return atMs
    line.lastMs = Math.max(line.lastMs, atMs)
    return line.lastMs
  }

  const make = <T>(call: Call<T>): Promise<T> => {
    const { life, of, effect, refused, unconfirmed, line } = call
    const place = `${life.name} ${call.place}`
    if (!life.alive) return never()
    if (chance.fault('crash-before', place)) {
      life.machine.crash(`before ${call.place}`)
      return never()
    }
    return new Promise<T>((resolve, reject) => {
      const answer = (settle: () => void) => clock.after(travelMs(`answer ${place}`), settle, life)
      const fail = (why: string) =>
        answer(() => reject(new LaresError('unavailable', `${why}: ${call.place}`)))
      const arrive = async () => {
        if (isAway(of)) return fail(`the ${of} is away`)
        if (refused && chance.fault(refused, place)) {
          trace(() => `${place} is refused`)
          return fail('it was refused')
        }
        try {
          const value = await effect()
          trace(() => place)
          if (life.alive && chance.fault('crash-after', place)) life.machine.crash(`after ${call.place}`)
          else if (unconfirmed && chance.fault(unconfirmed, place)) fail('no confirmation came')
          else answer(() => resolve(value))
        } catch (error) {
          trace(() => `${place} fails: ${(error as Error).message}`)
          answer(() => reject(error))
        }
      }
      clock.after(arrivalMs(place, line) - clock.nowMs(), () => void arrive())
    })
  }
  return {
    make,
    travelMs,
    isAway,
    takeAway(what, untilMs) {
      trace(() => `the ${what} is away`)
      awayUntilMs[what] = untilMs
    },
  }
}
