import { findUnit } from './units.ts'

const AMOUNT = String.raw`(-?\d+(?:\.\d+)?(?:\s*/\s*\d+)?个?|an?|半个?)`

/** Ways to ask for a conversion: the amount, what it is in, and what it shall be in. */
const CONVERSION_PATTERNS: RegExp[] = [
  new RegExp(
    `^(?:convert |change |turn )?${AMOUNT} ?(.+?) (?:in|into|to|as|=|equals?|is how many|are how many|is|are)(?: to)? (?:how many )?(.+)$`,
  ),
  new RegExp(
    `^${AMOUNT} ?(.+?) ?(?:是|等于|有|换算成|换成|转换成|转换为|转成|转|换算为|合|折合|相当于|=) ?(?:多少|几)?(?:个)?(.+)$`,
  ),
]
const TARGET_FIRST_PATTERNS: RegExp[] = [
  new RegExp(
    `^(?:how many |how much |how (?:tall|long|far|heavy|big|hot|warm|cold|fast|high|deep|wide) )?(.+?) (?:are|is|in|are in|is in|are there in|do|does|make|makes|equals?|per) (?:there in )?${AMOUNT} (.+?)(?: have| has| make| equal| contain)?$`,
  ),
  new RegExp(`^${AMOUNT}(.+?)里?有多少(.+)$`),
]
/** 摄氏20度, 20度摄氏 */
const DEGREE_REPLACEMENTS: [RegExp, string][] = [
  [/(摄氏|华氏) ?(-?\d+(?:\.\d+)?) ?度/g, '$2$1度'],
  [/(摄氏|华氏)(多少|几)度/g, '$2$1度'],
  [/(摄氏|华氏)(?!度)/g, '$1度'],
  [/°(?=\s*(?:c|f)\b)\s*/g, '°'],
]

/** "10 miles to km", "how many grams are in 2 pounds", 10公里是多少英里; undefined when it is no conversion of known units. */
export function parseConversion(text: string): string | undefined {
  const normalised = DEGREE_REPLACEMENTS.reduce(
    (said, [form, normal]) => said.replace(form, normal),
    text.replaceAll(',', ''),
  )
  for (const form of CONVERSION_PATTERNS) {
    const [, amount, from, to] = form.exec(normalised) ?? []
    const read = toConversion(amount, from, to)
    if (read) return read
  }
  for (const form of TARGET_FIRST_PATTERNS) {
    const [, to, amount, from] = form.exec(normalised) ?? []
    const read = toConversion(amount, from, to)
    if (read) return read
  }
  return undefined
}

function toConversion(amount?: string, from?: string, to?: string): string | undefined {
  if (!amount || !from || !to) return undefined
  const source = toQuantity(parseAmount(amount), from)
  const target = findUnit(to.replace(/^(?:the |a |an )/, ''))
  return source && target ? `${source} to ${target}` : undefined
}

const parseAmount = (amount: string): string =>
  /^an?$/.test(amount) ? '1' : amount.replace('个', '').replace('半', '0.5')

/** "5 feet 10 inches" is a sum of two. */
function toQuantity(amount: string, words: string): string | undefined {
  const unit = findUnit(words.replace(/^of /, ''))
  if (unit) return `${amount} ${unit}`
  const [, first, second, rest] = /^(.+?)(?: and)? ?(\d+(?:\.\d+)?) ?(.+)$/.exec(words) ?? []
  const [one, other] = [first && findUnit(first), rest && findUnit(rest)]
  return one && other ? `(${amount} ${one} + ${second} ${other})` : undefined
}
