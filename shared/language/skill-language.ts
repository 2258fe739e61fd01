/** The texts and patterns of a language pack for the built-in skills. */

/** The texts of every built-in skill in a language. */
type SkillLanguage = {
  /** The skill's name, for the question "Did you mean ... or ...?" */
  title: string
  /** Sentences that people say when they want the skill. */
  examples: readonly string[]
}

/** `time`: words that ask for a reminder only together with a time. */
export type ReminderCue = 'timer' | 'alarm' | 'reminder' | 'time'

export type ReminderItem = { text: string; due: string }

export type ReminderLanguage = SkillLanguage & {
  politePrefix: RegExp
  politeSuffix: RegExp
  isList(text: string): boolean
  /** A request to cancel; the first group that matches names the reminder. */
  cancel: readonly RegExp[]
  /** A request to cancel all reminders: as a whole request (`all`), and as a query (`allQuery`). */
  all: RegExp
  allQuery: RegExp
  /** Words in a request to cancel that name no reminder; replaced globally, so with the flag `g`. */
  nonSubjectWords: RegExp
  /** Words for repetition. */
  recurrence: RegExp
  /** Ways to ask; they are tried in this order. */
  cues: readonly (readonly [RegExp, ReminderCue])[]
  /** Filler words around the text after the request, and before it. */
  subjectFillers: FillerPatterns
  subjectFillersBefore: FillerPatterns
  /** Filler words around an answer to "when?" or "what of?". */
  answerFillers: FillerPatterns
  /** The words that introduce the text in an answer: "to call mom". */
  answerLead: RegExp
  /** The text in an answer that begins with a time, in the first group. */
  about: RegExp
  /** Rewrites an answer that names a time only in the context of the question: "5", "in the evening". */
  toMomentPhrase(answer: string): string
  /** `near`: the day relative to today, if it has its own word. */
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

/** Why a calculation has no result. */
export type CalculationProblem = 'byZero' | 'tooLarge' | 'notReal' | 'units' | 'nonsense'

/** The operations on a list of numbers. */
export type ListOperation = '+' | '-' | '*' | '/' | 'mean'

/** A unit's label in an answer, and people's words for it. */
export type UnitWords = { label: string; words: readonly string[] }

export type CalculatorLanguage = SkillLanguage & {
  problems: Readonly<Record<CalculationProblem, string>>
  /** Separates numerals from words that look like numerals, and writes decimals with a point. */
  normalise?(text: string): string
  /**
   * Digits before a power of ten are multiplied with it: 3.5 million. The pattern's groups: the number, and the power.
   */
  scales: { values: Readonly<Record<string, number>>; pattern: RegExp }
  leadingFillers: readonly RegExp[]
  trailingFillers: readonly RegExp[]
  /** LIST stands for the list. */
  lists: readonly (readonly [form: string, ListOperation])[]
  listSeparator: RegExp
  /** Forms of a whole calculation; $1 and $2 are calculations themselves. */
  templates: readonly (readonly [RegExp, string])[]
  /**
   * Words within a calculation, the longer forms first. In a text form, TERM stands for a number or a bracket, NUMBER
   * for a number.
   */
  replacements: readonly (readonly [string | RegExp, string])[]
  /** Forms of a conversion; the groups are named `amount`, `from` and `to`, and AMOUNT stands for the amount. */
  conversions: readonly string[]
  conversionReplacements?: readonly (readonly [RegExp, string])[]
  /** Amounts in words: "a", "half a". */
  amounts: Readonly<Record<string, string>>
  /** By the library's unit names; a missing unit has its English label. */
  units: Readonly<Record<string, UnitWords>>
  /** Words that may introduce a unit: "the ", "of ". */
  unitLead: RegExp
  /** A unit's word in the singular. */
  singularWord(word: string): string
  /** The label for an amount of one: "foot" for "feet". */
  singular(label: string): string
  /** A number with a decimal point, in the language's notation. */
  formatNumber?(number: string): string
}

export type TimeLanguage = SkillLanguage & {
  question: RegExp
  aboutSomethingElse: RegExp
  /** Day words, as days from today. */
  days: readonly (readonly [RegExp, number])[]
  /** Another form of the question that only a place distinguishes from other words: "Tokyo time". */
  isPlaceTime?(text: string, isPlace: (name: string) => boolean): boolean
  /** The words that may name a place; `isPlace` tells whether they do. */
  placeIn(text: string, isPlace: (name: string) => boolean): string | undefined
  /** A time zone for each place, by the place's name in lower case. */
  places: Readonly<Record<string, string>>
  /** Places with several zones: the answer names the zone's city. */
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
  /** Requests in this order: the first match decides the action, and its first group is the text. */
  requests: readonly (readonly [NotesAction, RegExp])[]
  /** Words in a request to delete that name no note; with the flag `g`. */
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
