import type { TimeLanguage } from '../skill-language.ts'
import { mainZones, places } from './places.ts'

const IN_PLACE =
  /\bin\s+(?:the\s+)?([\p{L}][\p{L}\s/_.'-]*?)(?:\s+(?:right now|now|at the moment|please|today|tomorrow|currently|time))?[?!.,]*$/iu
const PLACE_BEFORE_TIME =
  /^(?:what is |what's )?(?:the )?(?:current )?([\p{L}][\p{L}\s]*?) time(?: now| right now| please)?[?!.]*$/iu

const titleCase = (place: string): string =>
  place.length <= 3
    ? place.toUpperCase()
    : place.replace(/(?<!\p{L})\p{Ll}/gu, letter => letter.toUpperCase())

export const time: TimeLanguage = {
  title: 'the time or date',
  examples: [
    'what time is it?',
    'what is the time right now?',
    'tell me the current time',
    'could you tell me the time?',
    'time in Paris',
    'do you know what time it is?',
    'what time is it in Tokyo?',
    'current time in New York',
    'what is the local time in Sydney?',
    'what is the date today?',
    'what day is it?',
    'what day of the week is it today?',
    "what's today's date?",
    'which day is tomorrow?',
    'what year is it?',
  ],
  question:
    /\b(what|what's|whats|which|tell me|give me|know|current|local|have|got)\b.*\b(time|date|day|weekday|year|month|week)\b|^(the )?(current |local )?(time|date|day|weekday)\b|\b(time|date|day) (is it|today|now)\b|\btoday\b.*\b(weekday|day|date)\b/i,
  /** Words that make a text a question about the time of something else. */
  aboutSomethingElse:
    /\b(best|does|do (?!(you|we) (know|have|got)\b)|did|will (?!it be\b)|should|open|close|start|begin|end|meeting|flight|train|bus|movie|game|leave|arrive|my|your|how|when|who|christmas|easter|was|were|born|year of|born|birthday|of (the )?(?!day|the week|week|today|month|year))\b/i,
  days: [
    [/\bday after tomorrow\b/, 2],
    [/\btomorrow\b/, 1],
    [/\bday before yesterday\b/, -2],
    [/\byesterday\b/, -1],
  ],
  isPlaceTime: (text, isPlace) => isPlace(PLACE_BEFORE_TIME.exec(text)?.[1] ?? ''),
  /** "Tokyo time": only if the word is a place, since so many other words may come before "time". */
  placeIn(text, isPlace) {
    const before = PLACE_BEFORE_TIME.exec(text)?.[1]
    return IN_PLACE.exec(text)?.[1] ?? (before && isPlace(before) ? before : undefined)
  },
  places,
  mainZones,
  phrases: {
    now: (clock, date, place) => `It is ${clock} on ${date}${place ? ` in ${titleCase(place)}` : ''}.`,
    other: date => `That is ${date}.`,
    unknown: place => `I do not know which time zone ${place} is in.`,
  },
}
