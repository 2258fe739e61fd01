import { languageByScript, latinLanguages } from './other-languages.ts'
import type { LanguagePack, Recognition } from './pack.ts'
import { packFor, packs } from './packs.ts'

const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}'-]*/gu
/**
 * The smallest share of a text's words that must belong to its language; below it the text counts as the first pack's.
 */
const MIN_SHARE = 0.15

/** The language to answer in, as a BCP 47 tag; `otherwise` if the text does not show one, as "12 + 30" does not. */
export const detectLanguage = (text: string, otherwise: string = packs[0].tag): string =>
  recogniseLanguage(text) ?? otherwise

/** The language of a text; undefined if nothing in the text shows it. */
export function recogniseLanguage(text: string): string | undefined {
  const plain = text.normalize('NFC').replaceAll('’', "'")
  return languageOfScript(plain) ?? latinLanguageOf(plain)
}

/** The language of a script of its own, if the text has at least as many of its characters as other words. */
function languageOfScript(text: string): string | undefined {
  const scripts = [
    ...languageByScript,
    ...packs.flatMap(({ tag, recognition: { script } }) => (script ? [[script, tag] as const] : [])),
  ]
  for (const [form, tag] of scripts) {
    const letters = new RegExp(form.source, 'giu')
    const count = text.match(letters)?.length ?? 0
    if (count > 0 && count >= (text.replace(letters, ' ').match(WORD)?.length ?? 0)) return tag
  }
  return undefined
}

/** The language by its most common words. If several fit alike, `preferred`; else undefined. */
function latinLanguageOf(text: string, preferred?: string): string | undefined {
  const words = text.toLowerCase().match(WORD) ?? []
  const score = ({ words: known, letters }: Recognition): number =>
    words.filter(word => known.has(word)).length + (letters ? (text.match(letters)?.length ?? 0) : 0)
  const languages = [
    ...latinPacks().map(({ tag, recognition }) => ({ tag, ...recognition })),
    ...latinLanguages,
  ]
  const scored = languages.map(one => ({ tag: one.tag, score: score(one) }))
  const highest = Math.max(...scored.map(one => one.score))
  if (highest === 0) return undefined
  const fitting = scored.filter(one => one.score === highest)
  const best = fitting.length === 1 ? fitting[0] : fitting.find(({ tag }) => tag === preferred)
  if (!best) return undefined
  return best.tag === packs[0].tag || best.score >= MIN_SHARE * words.length ? best.tag : packs[0].tag
}

const latinPacks = (): LanguagePack[] => packs.filter(({ recognition }) => !recognition.script)

/**
 * The packs that can read a text, the main one first. A script that only one pack has decides; another pack reads the
 * rest of the text, since people mix languages. `language`: the conversation's language, for a text that does not show
 * its own.
 */
export function packsReading(text: string, language?: string): readonly [LanguagePack, ...LanguagePack[]] {
  const byScript = packs.filter(({ recognition: { script } }) => script && text.search(script) >= 0)
  const latin = packFor(latinLanguageOf(text, language && packFor(language).tag) ?? language ?? packs[0].tag)
  const rest = latin.recognition.script ? packs[0] : latin
  const [first = rest, ...others] = byScript
  return first === rest ? [rest] : [first, ...others, rest]
}
