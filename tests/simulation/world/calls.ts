import { LaresError } from '../../../shared/base/errors.ts'
import type { Chance } from '../chance.ts'
import type { Clock } from '../clock.ts'
import type { FaultName } from '../faults.ts'
import type { WriteTrace } from '../trace.ts'
import type { Life } from './machine.ts'

/** The network between processes and the outside. Each call is a step before and after which a process may die. */
export type Calls = {
  /**
   * Resolves with what `effect` gives. The effect happens when the request arrives, whether or not the caller still lives.
   * Errors: those of the effect; `unavailable` by a fault.
   */
  call<T>(call: Call<T>): Promise<T>
  /** The travel time of a call, in milliseconds. */
  latencyMs(place: string): number
  /** Something that many share cannot be reached until then. */
  makeUnreachable(what: SharedService, untilMs: number): void
  isUnreachable(what: SharedService): boolean
}

export type SharedService = 'bus' | 'store' | 'objects' | 'receiver'

export type Call<T> = {
  life: Life
  target: SharedService
  /** The called operation and its subject, as a fault's place. */
  site: string
  refusedFault?: FaultName
  unconfirmedFault?: FaultName
  /** The request may not overtake the one before it of the same line. */
  link?: OrderedLink
  effect(): T | Promise<T>
}

export type OrderedLink = { lastArrivalMs: number }

export type World = { clock: Clock; chance: Chance; trace: WriteTrace }

const neverSettles = <T>(): Promise<T> => new Promise<T>(() => undefined)

export function openCalls({ clock, chance, trace }: World): Calls {
  const unreachableUntilMs: Record<SharedService, number> = { bus: 0, store: 0, objects: 0, receiver: 0 }
  const isUnreachable = (what: SharedService) => clock.nowMs() < unreachableUntilMs[what]
  const latencyMs = (site: string) =>
    chance.injects('delay', site)
      ? chance.between(`late ${site}`, 20, 1_500)
      : chance.between(`travel ${site}`, 0.2, 4)
  const arrivalMs = (site: string, link: OrderedLink | undefined): number => {
    const atMs = clock.nowMs() + latencyMs(site)
    if (!link) return atMs
    link.lastArrivalMs = Math.max(link.lastArrivalMs, atMs)
    return link.lastArrivalMs
  }

  const makeCall = <T>(call: Call<T>): Promise<T> => {
    const { life, target, effect, refusedFault, unconfirmedFault, link } = call
    const site = `${life.name} ${call.site}`
    if (!life.alive) return neverSettles()
    if (chance.injects('crash-before', site)) {
      life.machine.crash(`before ${call.site}`)
      return neverSettles()
    }
    return new Promise<T>((resolve, reject) => {
      const sendAnswer = (settle: () => void) => clock.schedule(latencyMs(`answer ${site}`), settle, life)
      const fail = (why: string) =>
        sendAnswer(() => reject(new LaresError('unavailable', `${why}: ${call.site}`)))
      const arrive = async () => {
        if (isUnreachable(target)) return fail(`the ${target} is away`)
        if (refusedFault && chance.injects(refusedFault, site)) {
          trace(() => `${site} is refused`)
          return fail('it was refused')
        }
        try {
          const value = await effect()
          trace(() => site)
          if (life.alive && chance.injects('crash-after', site)) life.machine.crash(`after ${call.site}`)
          else if (unconfirmedFault && chance.injects(unconfirmedFault, site)) fail('no confirmation came')
          else sendAnswer(() => resolve(value))
        } catch (error) {
          trace(() => `${site} fails: ${(error as Error).message}`)
          sendAnswer(() => reject(error))
        }
      }
      clock.schedule(arrivalMs(site, link) - clock.nowMs(), () => void arrive())
    })
  }
  return {
    call: makeCall,
    latencyMs,
    isUnreachable,
    makeUnreachable(what, untilMs) {
      trace(() => `the ${what} is away`)
      unreachableUntilMs[what] = untilMs
    },
  }
}
