import { de } from './de/pack.ts'
import { en } from './en/pack.ts'
import type { LanguagePack } from './pack.ts'
import { zh } from './zh/pack.ts'

/**
 * The languages that Lares has. To add one, write its folder and name it here: functions are bundled into single files,
 * so a running function cannot find folders. The first pack is the default.
 */
export const packs: readonly [LanguagePack, ...LanguagePack[]] = [en, zh, de]

/** The pack nearest to a BCP 47 tag: `zh-Hant` gets the Chinese one. If none is near, the first. */
export function packFor(tag: string): LanguagePack {
  const known = tag.toLowerCase()
  return (
    packs.find(pack => pack.tag === known) ?? packs.find(pack => known.startsWith(`${pack.tag}-`)) ?? packs[0]
  )
}

/** The text for a language among a skill's texts by tag: the nearest, else the first pack's, else any. */
export function localised<Text>(texts: Readonly<Record<string, Text>>, tag: string): Text | undefined {
  return texts[tag] ?? texts[packFor(tag).tag] ?? texts[packs[0].tag] ?? Object.values(texts)[0]
}

/** One value of each pack, by the pack's tag: for example the titles of a built-in skill. */
export const byTag = <Value>(select: (pack: LanguagePack) => Value): Record<string, Value> =>
  Object.fromEntries(packs.map(pack => [pack.tag, select(pack)]))
