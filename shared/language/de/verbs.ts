/** Verbs whose second person does not follow from the first. */
const IRREGULAR: Readonly<Record<string, string>> = {
  bin: 'bist',
  habe: 'hast',
  hab: 'hast',
  mag: 'magst',
  kann: 'kannst',
  will: 'willst',
  muss: 'musst',
  darf: 'darfst',
  soll: 'sollst',
  weiß: 'weißt',
  werde: 'wirst',
  esse: 'isst',
  spreche: 'sprichst',
  fahre: 'fährst',
  lese: 'liest',
  sehe: 'siehst',
  nehme: 'nimmst',
  schlafe: 'schläfst',
  trage: 'trägst',
  laufe: 'läufst',
  war: 'warst',
  möchte: 'möchtest',
}
const FIRST_PERSON = new Map(Object.entries(IRREGULAR).map(([first, second]) => [second, first]))

/** "wohne" becomes "wohnst". */
export function toSecondPersonVerb(verb: string): string {
  const known = IRREGULAR[verb]
  if (known !== undefined) return known
  if (!verb.endsWith('e')) return verb
  const stem = verb.slice(0, -1)
  if (/[sßzx]$/.test(stem)) return `${stem}t`
  return /[td]$/.test(stem) ? `${stem}est` : `${stem}st`
}

/** "hast" becomes "habe", if the verb is known. */
export const toFirstPersonVerb = (verb: string): string => FIRST_PERSON.get(verb) ?? verb

/** Whether a word may be a verb in the first person. */
export const isFirstPersonVerb = (word: string): boolean =>
  Object.hasOwn(IRREGULAR, word) || /^\p{Ll}{2,}e$/u.test(word)
