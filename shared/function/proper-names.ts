import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isChinese } from '../language.ts'
import type { Span } from '../moments/spans.ts'

/**
 * Places and people in what somebody says. English is read by compromise's lexicon and grammar, Chinese by jieba's dictionary,
 * which tags each word with what it is (`ns` a place, `nt` an institution, `nr` a person). What they do not know is told by
 * the words around it, as "in Köln". Each library is loaded with the first text in its language (some 50 MB): most skills
 * fill neither.
 */
export type ProperKind = 'place' | 'name'
export type Proper = { text: string; span: Span }

/** In their order in the text; of those that only the words around them tell, the first. */
export async function properNamesIn(text: string, kind: ProperKind): Promise<Proper[]> {
  const found = isChinese(text) ? inChinese(text, kind) : await inEnglish(text, kind)
  return found.filter(({ text }) => text !== '')
}

const PROPER = String.raw`(\p{Lu}[\p{L}'’-]*(?:\s+\p{Lu}[\p{L}'’-]*){0,3})`
const BEFORE_EN: Readonly<Record<ProperKind, RegExp>> = {
  place: new RegExp(String.raw`\b(?:in|at|near|to|from)\s+(?:the\s+)?${PROPER}`, 'du'),
  name: new RegExp(String.raw`\b(?:for|with|under|named|called|name(?: is|:)?)\s+${PROPER}`, 'du'),
}

async function inEnglish(text: string, kind: ProperKind): Promise<Proper[]> {
  const { default: read } = await import('compromise')
  const said = read(text)
  const found: { text: string; offset: { start: number; length: number } }[] = (
    kind === 'place' ? said.places() : said.people()
  ).json({ offset: true })
  if (found.length > 0)
    return found.map(({ offset: { start, length } }) => bare(text, [start, start + length]))
  const told = BEFORE_EN[kind].exec(text)?.indices?.[1]
  return told ? [bare(text, told)] : []
}

const EDGE_BEFORE = /^[^\p{L}\p{N}]+/u
const EDGE_AFTER = /(?:\s*['’]s)?[^\p{L}\p{N}]*$/u

/** Without the punctuation and the possessive around it. */
function bare(text: string, [start, end]: Span): Proper {
  const said = text.slice(start, end)
  const from = start + (EDGE_BEFORE.exec(said)?.[0].length ?? 0)
  const to = end - (EDGE_AFTER.exec(said)?.[0].length ?? 0)
  return { text: text.slice(from, to), span: [from, to] }
}

type Word = { word: string; tag: string; start: number }
type Tagger = { tag(text: string): { word: string; tag: string }[] }
let tagger: Tagger | undefined

/** `dict.js` of the package would read the frequencies too, 6 MB that nothing here needs. */
function chineseTagger(): Tagger {
  const require = createRequire(import.meta.url)
  const { Jieba } = require('@node-rs/jieba') as typeof import('@node-rs/jieba')
  return Jieba.withDict(readFileSync(require.resolve('@node-rs/jieba/dict.txt')))
}

function wordsOf(text: string): Word[] {
  tagger ??= chineseTagger()
  let start = 0
  return tagger.tag(text).map(({ word, tag }) => {
    const at = start
    start += word.length
    return { word, tag, start: at }
  })
}

const BEFORE_ZH: Readonly<Record<ProperKind, RegExp>> = {
  place: /(?:在|去|到|从)(\p{Script=Han}{2,10}?)(?=的|吃|订|预订|预约|开|见|住|玩|，|。|,|\s|$)/du,
  name: /(?:叫|给|和|跟|姓名是|名字是)(\p{Script=Han}{2,4}?)(?=的|订|预订|预约|打|发|说|，|。|,|\s|$)/du,
}

function inChinese(text: string, kind: ProperKind): Proper[] {
  const words = wordsOf(text)
  const told = toldIn(text, words, BEFORE_ZH[kind])
  if (kind === 'place') {
    const found = runsOf(words, ({ tag }) => tag === 'ns' || tag === 'nt')
    return found.length > 0 ? found : told
  }
  // What is said to be a name goes before what looks like one: 我叫欧阳娜娜 is no Nana of a town Ouyang.
  if (told.length > 0) return told
  return people(words)
}

/** What the words around it tell: whole words, and none that says who, as in 给我打电话. */
function toldIn(text: string, words: Word[], form: RegExp): Proper[] {
  const span = form.exec(text)?.indices?.[1]
  if (!span) return []
  const inside = words.filter(({ start }) => start >= span[0] && start < span[1])
  const last = inside.at(-1)
  const isWhole = inside[0]?.start === span[0] && last && last.start + last.word.length === span[1]
  if (!isWhole || inside.some(({ tag }) => tag === 'r' || tag === 'v')) return []
  return [{ text: text.slice(...span), span: [...span] }]
}

/** Words that follow one another and are all of a kind, as 朝阳区三里屯. */
function runsOf(words: Word[], isOne: (word: Word) => boolean): Proper[] {
  const runs: Proper[] = []
  for (const [index, one] of words.entries()) {
    if (!isOne(one)) continue
    const before = words[index - 1]
    const run = before && isOne(before) ? runs.at(-1) : undefined
    if (run) extend(run, one)
    else runs.push({ text: one.word, span: [one.start, one.start + one.word.length] })
  }
  return runs
}

function extend(proper: Proper, { word, start }: Word): void {
  proper.text += word
  proper.span[1] = start + word.length
}

const MAX_NAME = 3

/** A family name alone takes the characters after it, of which the dictionary makes words of their own: 李雷, 赵丽颖. */
function people(words: Word[]): Proper[] {
  const isPerson = ({ tag, word }: Word) => tag.startsWith('nr') || (tag === 'eng' && /^\p{Lu}/u.test(word))
  const found = runsOf(words, isPerson)
  for (const person of found) {
    if (person.text.length > 1) continue
    for (const next of words.filter(({ start }) => start >= person.span[1])) {
      const isGiven = next.word.length === 1 && /^(?:n|a|nz|ng|nr|vg|zg)$/.test(next.tag)
      if (next.start !== person.span[1] || !isGiven || person.text.length === MAX_NAME) break
      extend(person, next)
    }
  }
  return found.filter(({ text }) => text.length > 1)
}
