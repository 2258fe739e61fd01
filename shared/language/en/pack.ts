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

export const en: LanguagePack = {
  tag: 'en',
  name: 'English',
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
    'how are you today?',
    'tell me something funny',
    'what is the weather like?',
    'who was the first president?',
    'what shall we do this evening?',
    'how far is the moon?',
    'can you write a poem?',
    'which film is the best?',
    'good evening',
    'what does this word mean?',
  ],
}
