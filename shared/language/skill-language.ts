/** What a language pack has for the built-in skills. */

/** What every built-in skill has in a language. */
type SkillLanguage = {
  /** What people call it, to be asked "Did you mean ... or ...?" */
  title: string
  /** Things people say when they want it. */
  examples: readonly string[]
}

/** `time`: words that ask for a reminder only together with a time. */
export type ReminderCue = 'timer' | 'alarm' | 'reminder' | 'time'

export type ReminderItem = { text: string; due: string }

export type ReminderLanguage = SkillLanguage & {
  politePrefix: RegExp
  politeSuffix: RegExp
  isList(text: string): boolean
  /** What is to be cancelled, in the first group that matched. */
  cancel: readonly RegExp[]
  /** All of them are to be cancelled: a whole request, and a whole query. */
  all: RegExp
  allQuery: RegExp
  /** Words of a request to cancel that name no reminder; replaced, so with the flag `g`. */
  nonSubjectWords: RegExp
  /** Again and again. */
  recurrence: RegExp
  /** Ways to ask, in the order in which they are tried. */
  cues: readonly (readonly [RegExp, ReminderCue])[]
  /** What frames the text behind the asking, and before it. */
  subjectFillers: FillerPatterns
  subjectFillersBefore: FillerPatterns
  /** What frames an answer to "when?" or "what of?". */
  answerFillers: FillerPatterns
  /** What leads up to the text in an answer: "to call mom". */
  answerLead: RegExp
  /** In an answer that begins with a time: what it is for, in the first group. */
  about: RegExp
  /** Rewrites an answer that names a time only as an answer: "5", "in the evening". */
  toMomentPhrase(answer: string): string
  /** `near`: days from now, where it has a word of its own. */
  formatDue(day: { date: string; near: 'today' | 'tomorrow' | undefined }, clock: string): string
  phrases: {
    reminder: string
    alarm: string
    timer: string
    set(item: ReminderItem): string
    when(text: string): string
    what(due: string): string
    past(due: string): string
    tooFar: string
    tooMany: string
    tooLong: string
    recurring: string
    none: string
    list(list: string, more: number): string
    cancelled(item: ReminderItem): string
    cancelledAll(count: number): string
    cancelledThese(list: string): string
    over: string
    unknown(list: string): string
    which(list: string): string
  }
}

export type FillerPatterns = { leading: RegExp; trailing: RegExp }

/** Why something cannot be calculated. */
export type CalculationProblem = 'byZero' | 'tooLarge' | 'notReal' | 'units' | 'nonsense'

/** What is done with a list of numbers. */
export type ListOperation = '+' | '-' | '*' | '/' | 'mean'

/** What a unit is called in an answer, and what people say. */
export type UnitWords = { label: string; words: readonly string[] }

export type CalculatorLanguage = SkillLanguage & {
  problems: Readonly<Record<CalculationProblem, string>>
  /** Parts words that look like numerals from numerals, and writes decimals with a point. */
  normalise?(text: string): string
  /** Digits before a place are multiplied with it: 3.5 million. The pattern's groups: the number, and the places. */
  scales: { values: Readonly<Record<string, number>>; pattern: RegExp }
  leadingFillers: readonly RegExp[]
  trailingFillers: readonly RegExp[]
  /** LIST stands for the list. */
  lists: readonly (readonly [form: string, ListOperation])[]
  listSeparator: RegExp
  /** Forms of a whole sum; $1 and $2 are sums themselves. */
  templates: readonly (readonly [RegExp, string])[]
  /** Words within a sum, the longer forms first. In a text, TERM stands for a number or a bracket, NUMBER for a number. */
  replacements: readonly (readonly [string | RegExp, string])[]
  /** Forms of a conversion; the groups are named `amount`, `from` and `to`, and AMOUNT stands for the amount. */
  conversions: readonly string[]
  conversionReplacements?: readonly (readonly [RegExp, string])[]
  /** Amounts in words: "a", "half a". */
  amounts: Readonly<Record<string, string>>
  /** By the names of the library; what is missing is called as in English. */
  units: Readonly<Record<string, UnitWords>>
  /** What may lead up to a unit: "the ", "of ". */
  unitLead: RegExp
  /** A word for a unit in the singular. */
  singularWord(word: string): string
  /** The label of one: "foot" for "feet". */
  singular(label: string): string
  /** A number with a decimal point, as it is written in the language. */
  formatNumber?(number: string): string
}

export type TimeLanguage = SkillLanguage & {
  question: RegExp
  aboutSomethingElse: RegExp
  /** Days from today. */
  days: readonly (readonly [RegExp, number])[]
  /** Another way to ask, which only a place tells from other words: "Tokyo time". */
  isPlaceTime?(text: string, isPlace: (name: string) => boolean): boolean
  /** The words that may be a place; `isPlace` tells whether they are. */
  placeIn(text: string, isPlace: (name: string) => boolean): string | undefined
  /** A time zone for each place, by its name in lower case. */
  places: Readonly<Record<string, string>>
  /** Places with several zones: the answer names the city of the zone. */
  mainZones: Readonly<Record<string, string>>
  phrases: {
    now(clock: string, date: string, place: string | undefined): string
    other(date: string): string
    unknown(place: string): string
  }
}

export type NotesAction = 'add' | 'list' | 'search' | 'delete'

export type NotesLanguage = SkillLanguage & {
  politePrefix: RegExp
  politeSuffix: RegExp
  /** In their order: the first that fits tells what is wanted, and its first group the text. */
  requests: readonly (readonly [NotesAction, RegExp])[]
  /** Words of a request to delete that name no note; with the flag `g`. */
  nonSubjectWords: RegExp
  latest: RegExp
  all: RegExp
  phrases: {
    saved(text: string): string
    what: string
    list(list: string, hasMore: boolean): string
    none: string
    unknown(about: string): string
    deleted(text: string): string
    which(list: string): string
    oneByOne: string
    tooLong: string
    full: string
  }
}
