import type { LanguagePack } from '../pack.ts'
import { answers } from './answers.ts'
import { calculator } from './calculator.ts'
import { dialog } from './dialog.ts'
import { documents } from './documents.ts'
import { memory } from './memory.ts'
import { dates, moments } from './moments.ts'
import { findProperNames } from './names.ts'
import { notes } from './notes.ts'
import { numeralsToDigits } from './numerals.ts'
import { reminder } from './reminder.ts'
import { slots } from './slots.ts'
import { time } from './time.ts'
import { recognition, words } from './words.ts'

export const de: LanguagePack = {
  tag: 'de',
  name: 'Deutsch',
  recognition,
  numeralsToDigits,
  moments,
  dates,
  answers,
  words,
  findProperNames,
  slots,
  dialog,
  memory,
  documents,
  reminder,
  calculator,
  time,
  notes,
  generalSentences: [
    'wie geht es dir heute?',
    'erzähl mir etwas Lustiges',
    'wie ist das Wetter?',
    'wer war der erste Präsident?',
    'was machen wir heute Abend?',
    'wie weit ist der Mond weg?',
    'kannst du ein Gedicht schreiben?',
    'welcher Film ist der beste?',
    'guten Abend',
    'was bedeutet dieses Wort?',
  ],
}
