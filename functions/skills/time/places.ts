import { packs } from '#shared/language/packs.ts'

export type Place = { zone: string; label: string }

const cityOfZone = (zone: string): string => zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ')

let zoneCache: Map<string, string> | undefined

/** Time zones by their names and by their cities' names, in lower case. */
function zonesByName(): Map<string, string> {
  if (zoneCache) return zoneCache
  const all = Intl.supportedValuesOf('timeZone')
  zoneCache = new Map(
    all.flatMap(zone => [
      [cityOfZone(zone).toLowerCase(), zone],
      [zone.toLowerCase(), zone],
    ]),
  )
  return zoneCache
}

/** The time zone of a place by its common name in any language, or of a zone's name; undefined when it is not known. */
export function findPlace(name: string): Place | undefined {
  const normalised = name.trim().toLowerCase().replaceAll('_', ' ').replace(/^the /, '')
  const mainZone = packs.map(({ time }) => time.mainZones[normalised]).find(zone => zone !== undefined)
  if (mainZone) return { zone: mainZone, label: cityOfZone(mainZone) }
  const zone =
    packs.map(({ time }) => time.places[normalised]).find(known => known !== undefined) ??
    zonesByName().get(normalised) ??
    zonesByName().get(normalised.replaceAll(' ', '_'))
  if (!zone) return undefined
  return { zone, label: normalised.includes('/') ? cityOfZone(zone) : name.trim() }
}
