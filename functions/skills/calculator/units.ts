import type { LanguagePack } from '#shared/language/pack.ts'
import { packFor, packs } from '#shared/language/packs.ts'
import type { CalculatorLanguage } from '#shared/language/skill-language.ts'

/** Chinese units that the library does not have. */
export const customUnits = {
  jin: '500 g',
  liang: '50 g',
  huali: '500 m',
  mu: `666.${'6'.repeat(250)}7 m^2`,
} as const

const wordCache = new WeakMap<CalculatorLanguage, Map<string, string>>()

function unitsByWord(language: CalculatorLanguage): Map<string, string> {
  const known = wordCache.get(language)
  if (known) return known
  const byWord = new Map(
    Object.entries(language.units).flatMap(([name, { words }]) => words.map(word => [word, name] as const)),
  )
  wordCache.set(language, byWord)
  return byWord
}

/**
 * The library's name of a unit in singular or plural; undefined for an unknown unit. Symbols are English in any
 * language.
 */
export function findUnit(words: string, readers: readonly LanguagePack[]): string | undefined {
  const plain = words.trim().replace(/\s+/g, ' ').replace(/\.$/, '')
  for (const { calculator } of new Set([...readers, packs[0]])) {
    const units = unitsByWord(calculator)
    const said = plain.replace(calculator.unitLead, '')
    const found = units.get(said) ?? units.get(calculator.singularWord(said))
    if (found) return found
  }
  return undefined
}

/** A number with a unit of the library's, as people write it. */
export function formatQuantity(number: string, unit: string, language: string): string {
  const name = unit.replaceAll(' ', '')
  const { calculator } = packFor(language)
  const label = (calculator.units[name] ?? packs[0].calculator.units[name])?.label ?? name
  const said = calculator.formatNumber?.(number) ?? number
  if (/^[²°]$|^\p{Script=Han}/u.test(label)) return said + label
  return `${said} ${number === '1' ? calculator.singular(label) : label}`
}
