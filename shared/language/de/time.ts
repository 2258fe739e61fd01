import type { TimeLanguage } from '../skill-language.ts'
import { mainZones, places } from './places.ts'

const IN_PLACE =
  /(?<!\p{L})in\s+(?:der\s+|den\s+)?(\p{L}[\p{L}\s/_.'-]*?)(?:\s+(?:gerade|jetzt|momentan|im moment|bitte|heute|morgen))?[?!.,]*$/iu

const titleCase = (place: string): string =>
  place.length <= 3 && place !== 'rom'
    ? place.toUpperCase()
    : place.replace(/(?<!\p{L})\p{Ll}/gu, letter => letter.toUpperCase())

export const time: TimeLanguage = {
  title: 'Uhrzeit oder Datum',
  examples: [
    'wie spät ist es?',
    'wie viel Uhr ist es?',
    'wieviel Uhr haben wir?',
    'wie spät ist es in Tokio?',
    'wie viel Uhr ist es gerade in New York?',
    'Uhrzeit in Paris',
    'welches Datum ist heute?',
    'welcher Tag ist heute?',
    'den Wievielten haben wir heute?',
    'welcher Wochentag ist morgen?',
    'welches Jahr haben wir?',
    'sag mir die aktuelle Uhrzeit',
  ],
  question:
    /(?<!\p{L})(?:wie spät|wie ?viel uhr|uhrzeit|welche zeit|welches datum|welcher (?:wochen)?tag|den wievielten|der wievielte|was für (?:ein|einen) (?:wochen)?tag|welchen (?:wochen)?tag|welches jahr|welcher monat|das (?:heutige )?datum|datum (?:von )?heute)(?!\p{L})/iu,
  aboutSomethingElse:
    /(?<!\p{L})(?:öffne\p{L}*|schließ\p{L}*|beginn\p{L}*|endet|fängt|flug|flieger|zug|bus|fähr\p{L}*|film|spiel|termin|geburtstag|mein\p{L}*|dein\p{L}*|ostern|weihnachten|geboren|war|treffen|am besten|sollte)(?!\p{L})/iu,
  days: [
    [/übermorgen/, 2],
    [/(?<!guten )morgen/, 1],
    [/vorgestern/, -2],
    [/gestern/, -1],
  ],
  placeIn: text => IN_PLACE.exec(text)?.[1],
  places,
  mainZones,
  phrases: {
    now: (clock, date, place) =>
      `${place ? `In ${titleCase(place)} ist es` : 'Es ist'} ${clock} Uhr am ${date}.`,
    other: date => `Das ist ${date}.`,
    unknown: place => `Ich weiß nicht, in welcher Zeitzone ${place} liegt.`,
  },
}
