import type { ParsedResult } from 'chrono-node'
import type { WallTime } from './dates.ts'
import type { Duration } from './moments/duration.ts'
import type { Span } from './moments/spans.ts'
import type { CalculatorLanguage, NotesLanguage, ReminderLanguage, TimeLanguage } from './skill-language.ts'

/**
 * Everything that Lares knows of one language. A pack is a folder beside this file; `packs.ts` registers it. Nothing
 * outside the folder names the language. `docs/languages.md` says how to write one.
 *
 * Patterns are matched in lower case or have the flag `i`. They must not backtrack for long on a long text.
 */
export type LanguagePack = {
  /** BCP 47, without a region: `de` also serves `de-AT`. */
  tag: string
  /** The language's name in the language itself. */
  name: string
  recognition: Recognition
  /** Rewrites number words as digits, and decimals with a point: "two hundred and five" as "205". */
  numeralsToDigits(text: string): string
  moments: MomentLanguage
  dates: DateLanguage
  answers: AnswerLanguage
  words: WordLanguage
  /** The spans of places and people in a text, in their order. */
  findProperNames(text: string, kind: ProperNameKind): Promise<Span[]>
  slots: SlotLanguage
  dialog: DialogPhrases
  memory: MemoryLanguage
  documents: DocumentLanguage
  reminder: ReminderLanguage
  calculator: CalculatorLanguage
  time: TimeLanguage
  notes: NotesLanguage
  /**
   * Everyday sentences, in the order of the English pack. Embeddings of each language lie in their own region, and
   * these sentences show where.
   */
  generalSentences: readonly string[]
}

/** How to recognise that a text is in the language. */
export type Recognition = {
  /** One character of a script that only this language has among the packs; recognition then needs no words. */
  script?: RegExp
  /** The language's most common words, in lower case. */
  words: ReadonlySet<string>
  /** Letters and signs that count as much as a word. */
  letters?: RegExp
}

/** A date library for one language, in the form of chrono-node's. */
export type DateParser = {
  parse(
    text: string,
    reference: { instant: Date; timezone: number },
    options: { forwardDate: boolean },
  ): ParsedResult[]
}

/** A part of the day, and its hours if the text names no other; the first hour that is still to come counts. */
export type DayPart = readonly [RegExp, number[]]

export type MomentLanguage = {
  /** Rewrites spoken times of day as clock times: "half past 6" as 6:30. Expects lower case and digits. */
  normaliseClock(text: string): string
  /** Rewrites days as dates if the date library does not know them. `now` is the speaker's wall-clock time. */
  normaliseCalendar(text: string, now: WallTime): string
  /** The date library takes time to load, so it is loaded for the first text. */
  loadDateParser(): Promise<DateParser>
  /** Whether a match of the date library is another word: "may", "second". `before`: the text before the match. */
  isFalsePositive?(found: string, before: string): boolean
  /** Words that name a day although the date library marks none as certain: "this afternoon". */
  impliedDay?: RegExp
  /** Parts of a day; the first match counts. */
  dayParts: readonly DayPart[]
  /** Words that introduce a moment and belong to it, at the end of a text: "at ". */
  lead: RegExp
  /** A length of time from now, in its first or second group: "in 10 minutes". */
  relativeTime: RegExp
  /** Any length of time, in its first group. */
  duration: RegExp
  /** Parses a match of these groups. */
  parseDuration(text: string): Duration
  /** Makes a bare number readable as an hour: "at 5" for "5". */
  toClockPhrase(hour: string): string
}

export type DateLanguage = {
  formatDate(wall: WallTime): string
  /** `clock` as 09:05. */
  formatDateTime(date: string, clock: string): string
}

/** How to read answers to "which one?". */
export type AnswerLanguage = {
  /** Filler words at the beginning and the end of an answer. */
  leadingFillers: RegExp
  trailingFillers: RegExp
  /** The whole answer means all items. */
  all: RegExp
  separator: RegExp
  last: RegExp
  /** A place in a list with digits, in the first group: "2nd". */
  listNumber: RegExp
  /** From the first to the tenth. */
  ordinals: readonly RegExp[]
  /** The whole answer withdraws the question. */
  neverMind: RegExp
  /**
   * For answers to "Did you mean A or B?": the words for the first and for the second, and the filler words around
   * them.
   */
  either: { first: RegExp; second: RegExp; leadingFillers: RegExp; trailingFillers: RegExp }
}

/** Which words carry meaning, and which of them count as the same. */
export type WordLanguage = {
  stopWords: ReadonlySet<string>
  /** Crude, but the same on both sides: "likes", "liked" and "like" become one. */
  stem(word: string): string
  /** Unifies words that have several spellings. */
  normaliseSpelling?(text: string): string
  /** Other words that a search must find too. */
  searchVariants?(words: readonly string[]): string[]
  /** The endings that give a word another form: "able" in "payable". */
  suffix: RegExp
  /** For scripts without spaces: the characters that carry meaning, in their order. */
  contentCharacters?(text: string): string
  /** For scripts without spaces: other characters that a search must find too. */
  characterVariants?(characters: string): string[]
}

export type ProperNameKind = 'place' | 'name'

export type SlotKind =
  | 'moment'
  | 'date'
  | 'time'
  | 'duration'
  | 'number'
  | 'choice'
  | 'place'
  | 'name'
  | 'words'

export type SlotLanguage = {
  questions: Readonly<Record<SlotKind, (label: string, choices: string[]) => string>>
  /** Words that may precede a place or name that is the whole answer, at the beginning of a text. */
  fillers: RegExp
  /** Shows that a text means a length of time, not a moment. */
  durationCue: RegExp
  /** Articles between a preposition and a name, at the end of a text. */
  article: RegExp
}

/** The parts of Lares that may fail, by people's words for them. */
export type FailedPart = { skill: string } | 'understanding' | 'memory' | 'model' | 'conversation'
export type Activity = 'none' | 'model' | { skills: string[] }

export type DialogPhrases = {
  interrupted: string
  noAnswer: string
  queueFull: string
  freshStart: string
  nothingToStop: string
  stopped: string
  neverMind: string
  whichSkill(first: string, second: string): string
  unknownCommand(command: string): string
  help(name: string, skillLines: string): string
  status(activity: Activity, waiting: number): string
  apology(part: FailedPart, isSlow: boolean): string
  reminder(text: string): string
  lateReminder(text: string, due: string): string
}

/** The parts of a memory that an answer needs. */
export type RememberedText = { text: string; subject: string; saidAt: string }

export type MemoryLanguage = {
  requests: {
    list: readonly RegExp[]
    /** A request to forget; the first group names the subject. */
    forget: readonly RegExp[]
    everything: RegExp
    forgetLast: readonly RegExp[]
    why: readonly RegExp[]
    /** Questions about an earlier value, each with the same question about the current value. */
    earlier: readonly (readonly [RegExp, string])[]
    /** Things that other skills keep. */
    otherSkills: RegExp
    /** Uses of "forget" that do not concern memory: "forget it", "forget to". */
    idiomaticForget: RegExp
  }
  facts: {
    /** The text that the person asks the assistant to remember, in the person's words. */
    rememberedText(text: string): string | undefined
    question: RegExp
    /** Words by which a person speaks of themself. */
    oneself: RegExp
    stated: readonly RegExp[]
    command: RegExp
    leadingFillers: RegExp
    /** Statements of a change, each rewritten as the fact that holds now. */
    changes: readonly (readonly [RegExp, string])[]
    /**
     * The subject of a fact, so that a newer fact replaces an older one. The whole fact if several can hold at once.
     */
    subjectOf(text: string): string
  }
  /** The memories that answer a question, if they clearly do. */
  answer(memories: readonly RememberedText[], question: string): RememberedText[] | undefined
  /**
   * Turns a person's statement about themself into one that addresses the person: "my code is 1" becomes "your code is
   * 1".
   */
  toSecondPerson(text: string): string
  /** Makes a statement a full sentence that addresses the person. */
  toSentence(text: string): string
  sentenceSeparator: string
  phrases: {
    remembered(fact: string): string
    known(list: string, more: number): string
    nothingKnown: string
    forgotten(about: string): string
    forgottenAll: string
    forgottenLast: string
    whichToForget(list: string): string
    forgottenThose: string
    keptAll: string
    nothingUsed: string
    forgottenSince: string
    because(list: string): string
    source(day: string, isHere: boolean): string
    earlier(answer: string, day: string): string
    noEarlier: string
  }
}

export type DocumentKindName = 'pdf' | 'html' | 'markdown' | 'text'
export type DocumentProblemName = 'encrypted' | 'too-large' | 'broken' | 'empty' | 'unknown' | 'gone' | 'full'

export type DocumentLanguage = {
  requests: {
    list: readonly RegExp[]
    forgetAll: readonly RegExp[]
    /** The document's name, in the first group. */
    forget: readonly RegExp[]
    otherSkills: RegExp
  }
  question: RegExp
  summaryRequest: RegExp
  /** Question words, and words for documents in general; removed before a search. */
  questionWords: readonly string[]
  /** The same, as a pattern: "how high" asks for a number, and the document need not contain "high". */
  questionPhrases: RegExp
  phrases: {
    size(kind: DocumentKindName, count: number): string
    problem(problem: DocumentProblemName, name: string): string
    read(name: string, size: string): string
    alreadyRead(name: string, as: string | undefined, size: string): string
    none: string
    noneYet: string
    list(lines: { name: string; size: string; day: string }[], more: number): string
    unknown(about: string): string
    which(list: string): string
    forgotten(names: string[]): string
    cite(name: string, place: { page?: number; section?: string; line?: number }): string
    quoted(text: string, cite: string): string
  }
}
