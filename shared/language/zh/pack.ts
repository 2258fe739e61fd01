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

export const zh: LanguagePack = {
  tag: 'zh',
  name: '中文',
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
    '你今天怎么样？',
    '给我说点有趣的',
    '天气怎么样？',
    '第一任总统是谁？',
    '今晚我们做什么？',
    '月亮有多远？',
    '你会写诗吗？',
    '哪部电影最好看？',
    '晚上好',
    '这个词是什么意思？',
  ],
}
