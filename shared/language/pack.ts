import type { ParsedResult } from 'chrono-node'
import type { WallTime } from './dates.ts'
import type { Duration } from './moments/duration.ts'
import type { Span } from './moments/spans.ts'
import type { CalculatorLanguage, NotesLanguage, ReminderLanguage, TimeLanguage } from './skill-language.ts'

/**
 * Everything that Lares knows of one language. A pack is a folder beside this file; `packs.ts` registers it. Nothing
 * outside the folder names the language. `docs/languages.md` says how to write one.
 *
 * Patterns are read in lower case or with the flag `i`, and must not backtrack for long on a long text.
 */
export type LanguagePack = {
  /** BCP 47, without a region: `de` also serves `de-AT`. */
  tag: string
  /** What its speakers call it. */
  name: string
  recognition: Recognition
  /** Writes number words as digits and decimals with a point: "two hundred and five" as "205". */
  numeralsToDigits(text: string): string
  moments: MomentLanguage
  dates: DateLanguage
  answers: AnswerLanguage
  words: WordLanguage
  /** Where places and people stand in a text, in its order. */
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
   * What people generally say, as in the English pack and in its order: embeddings of each language have a place of their own,
   * and these sentences tell where it is.
   */
  generalSentences: readonly string[]
}

/** How a text is told to be in the language. */
export type Recognition = {
  /** One character of a script that this language alone has among the packs; then words need not tell it. */
  script?: RegExp
  /** Words that hardly a text goes without, in lower case. */
  words: ReadonlySet<string>
  /** Letters and signs that count as much as a word. */
  letters?: RegExp
}

/** A library for dates of one language, as chrono-node has them. */
export type DateParser = {
  parse(
    text: string,
    reference: { instant: Date; timezone: number },
    options: { forwardDate: boolean },
  ): ParsedResult[]
}

/** A part of the day, and the hours that are meant when no other is said; the first that is still to come counts. */
export type DayPart = readonly [RegExp, number[]]

export type MomentLanguage = {
  /** Writes spoken times of day as a clock shows them: "half past 6" as 6:30. Given in lower case and with digits. */
  normaliseClock(text: string): string
  /** Writes days that the library for dates does not know as dates. `now` is the wall where it is said. */
  normaliseCalendar(text: string, now: WallTime): string
  /** The library for dates takes its time to load, so it is loaded for the first text. */
  loadDateParser(): Promise<DateParser>
  /** Whether what the library found is another word: "may", "second". `before`: the text that leads up to it. */
  isFalsePositive?(found: string, before: string): boolean
  /** Words that name a day though the library is certain of none: "this afternoon". */
  impliedDay?: RegExp
  /** Parts of a day, the first that fits. */
  dayParts: readonly DayPart[]
  /** What leads up to a moment and is a part of it, at the end of a text: "at ". */
  lead: RegExp
  /** A length of time from now, in its first or second group: "in 10 minutes". */
  relativeTime: RegExp
  /** Any length of time, in its first group. */
  duration: RegExp
  /** Reads what these groups match. */
  parseDuration(text: string): Duration
  /** What lets a bare number be read as an hour: "at 5" for "5". */
  toClockPhrase(hour: string): string
}

export type DateLanguage = {
  formatDate(wall: WallTime): string
  /** `clock` as 09:05. */
  formatDateTime(date: string, clock: string): string
}

/** How answers to "which one?" are read. */
export type AnswerLanguage = {
  /** What frames an answer and says nothing, at its beginning and its end. */
  leadingFillers: RegExp
  trailingFillers: RegExp
  /** The whole answer means all of them. */
  all: RegExp
  separator: RegExp
  last: RegExp
  /** A place in a list with digits, in the first group: "2nd". */
  listNumber: RegExp
  /** From the first to the tenth. */
  ordinals: readonly RegExp[]
  /** The whole answer takes back what was asked about. */
  neverMind: RegExp
  /** Of an answer to "Did you mean A or B?": what names the first and the second, and what frames it. */
  either: { first: RegExp; second: RegExp; leadingFillers: RegExp; trailingFillers: RegExp }
}

/** Which words carry meaning, and which of them are the same. */
export type WordLanguage = {
  stopWords: ReadonlySet<string>
  /** Crude, but the same on both sides: "likes", "liked" and "like" become one. */
  stem(word: string): string
  /** One spelling for what has several. */
  normaliseSpelling?(text: string): string
  /** Other words that a search must find too. */
  searchVariants?(words: readonly string[]): string[]
  /** What may follow a word in another form of it: "able" in "payable". */
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
  /** Words that may stand around a place or name that is the whole answer, at the beginning of a text. */
  fillers: RegExp
  /** Says that a length of time is meant, and no moment. */
  durationCue: RegExp
  /** Articles between a preposition and a name, at the end of a text. */
  article: RegExp
}

/** The parts of Lares that may fail, as people call them. */
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

/** What a memory is, for an answer from it. */
export type RememberedText = { text: string; subject: string; saidAt: string }

export type MemoryLanguage = {
  requests: {
    list: readonly RegExp[]
    /** What is to be forgotten, in the first group. */
    forget: readonly RegExp[]
    everything: RegExp
    forgetLast: readonly RegExp[]
    why: readonly RegExp[]
    /** Questions about what held before, and the same question about what holds now. */
    earlier: readonly (readonly [RegExp, string])[]
    /** Things that other skills keep. */
    otherSkills: RegExp
    /** Forgetting that is no wish about memory: "forget it", "forget to". */
    idiomaticForget: RegExp
  }
  facts: {
    /** What the person asks to be remembered, as they put it. */
    rememberedText(text: string): string | undefined
    question: RegExp
    /** A person speaks of themself. */
    oneself: RegExp
    stated: readonly RegExp[]
    command: RegExp
    leadingFillers: RegExp
    /** Changes told as such, as the fact that holds now. */
    changes: readonly (readonly [RegExp, string])[]
    /** What a fact is about, so that a newer one takes its place; the whole of it where several can hold at once. */
    subjectOf(text: string): string
  }
  /** The memories that answer a question, when they clearly do. */
  answer(memories: readonly RememberedText[], question: string): RememberedText[] | undefined
  /** Turns what a person said about themself into what is said to them: "my code is 1" becomes "your code is 1". */
  toSecondPerson(text: string): string
  /** As a sentence of its own, said to the person. */
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
    /** The name, in the first group. */
    forget: readonly RegExp[]
    otherSkills: RegExp
  }
  question: RegExp
  summaryRequest: RegExp
  /** Words that ask, or name no more than that there is a document; taken out before a search. */
  questionWords: readonly string[]
  /** The same, as a pattern: "how high" asks for a number, and no document need say "high". */
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
