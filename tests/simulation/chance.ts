import { FAULTS, type FaultName } from './faults.ts'

/**
 * The random source of a run. No decision comes from a sequence: each is a hash of the seed, the place and the number
 * of earlier decisions there. Removing one fault or one message therefore leaves all other decisions as they were.
 */
export type Chance = {
  /** Whether this goes wrong here and now; each yes is kept in `taken` under a name that a replay can repeat. */
  injects(kind: FaultName, place: string): boolean
  /** From `min` to `max`. */
  between(place: string, min: number, max: number): number
  pick<T>(place: string, items: readonly T[]): T
  /** In [0, 1). */
  uniform(place: string): number
  /** From now on nothing goes wrong. */
  stopFaults(): void
  injectedFaults: string[]
}

export type ChanceOptions = {
  seed: number
  /** The kinds that may go wrong, with their rates per passing. */
  rates: ReadonlyMap<FaultName, number>
  /** Only these go wrong, by their names in `taken`: what a shrunk history is. */
  onlyFaults?: ReadonlySet<string> | undefined
}

export function openChance({ seed, rates, onlyFaults }: ChanceOptions): Chance {
  const visits = new Map<string, number>()
  const injectedFaults: string[] = []
  let areFaultsStopped = false
  const numberVisit = (site: string): string => {
    const count = (visits.get(site) ?? 0) + 1
    visits.set(site, count)
    return `${site} #${count}`
  }
  const uniform = (site: string) => hash32(seed, numberVisit(site)) / 2 ** 32
  return {
    injectedFaults,
    uniform,
    injects(kind, site) {
      const rate = rates.get(kind)
      if (rate === undefined || areFaultsStopped) return false
      const name = numberVisit(`${kind}: ${site}`)
      const happens = onlyFaults ? onlyFaults.has(name) : hash32(seed, name) / 2 ** 32 < rate
      if (happens) injectedFaults.push(name)
      return happens
    },
    between: (site, min, max) => min + (max - min) * uniform(site),
    pick: (site, items) => items[Math.floor(uniform(site) * items.length)]!,
    stopFaults() {
      areFaultsStopped = true
    },
  }
}

/** Each seed has its own weather: half of the kinds of faults, seldom or often; kinds that are named are frequent. */
export function faultRates(seed: number, forced: readonly FaultName[] = []): Map<FaultName, number> {
  const rates = new Map<FaultName, number>()
  const factor = forced.length > 0 ? 3 : [0.3, 1, 3][hash32(seed, 'often') % 3]!
  for (const [kind, { rate }] of Object.entries(FAULTS) as [FaultName, { rate: number }][]) {
    const isOn = forced.length > 0 ? forced.includes(kind) : hash32(seed, `on ${kind}`) % 2 === 0
    if (isOn) rates.set(kind, Math.min(1, rate * factor))
  }
  return rates
}

/** MurmurHash3's mixing over the UTF-16 units; 32 bits, unsigned. */
export function hash32(seed: number, text: string): number {
  let hash = seed ^ 0x9e3779b9
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0xcc9e2d51)
    hash = (hash << 13) | (hash >>> 19)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
