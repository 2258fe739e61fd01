import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Jieba } from '@node-rs/jieba'
import { matchGroup, type Span } from '../moments/spans.ts'
import type { ProperNameKind } from '../pack.ts'

/** `tag`: the word's class in the dictionary. */
type Word = { word: string; tag: string; start: number; end: number }
let tagger: Pick<Jieba, 'tag'> | undefined

/** The package's `dict.js` would also load the frequencies, 6 MB that this code does not need. */
function chineseTagger(): Pick<Jieba, 'tag'> {
  const require = createRequire(import.meta.url)
  const { Jieba } = require('@node-rs/jieba') as typeof import('@node-rs/jieba')
  return Jieba.withDict(readFileSync(require.resolve('@node-rs/jieba/dict.txt')))
}

function tagWords(text: string): Word[] {
  tagger ??= chineseTagger()
  let end = 0
  return tagger.tag(text).map(({ word, tag }) => {
    const start = end
    end += word.length
    return { word, tag, start, end }
  })
}

const PREFIX_PATTERNS: Readonly<Record<ProperNameKind, RegExp>> = {
  place: /(?:在|去|到|从)(\p{Script=Han}{2,10}?)(?=的|吃|订|预订|预约|开|见|住|玩|，|。|,|\s|$)/du,
  name: /(?:叫|给|和|跟|姓名是|名字是)(\p{Script=Han}{2,4}?)(?=的|订|预订|预约|打|发|说|，|。|,|\s|$)/du,
}

/**
 * Finds names by jieba's dictionary, which tags each word with its class (`ns` a place, `nt` an institution, `nr` a
 * person). It also uses the words around a name. The dictionary takes some 50 MB, so it is loaded with the first text.
 */
export async function findProperNames(text: string, kind: ProperNameKind): Promise<Span[]> {
  const words = tagWords(text)
  const prefixed = matchGroup(PREFIX_PATTERNS[kind], text).filter(span => mayBeName(words, span))
  // Words that introduce a name count more than words that look like one: 我叫欧阳娜娜 does not name a Nana of Ouyang.
  const [first, second] = kind === 'place' ? [placeSpans(words), prefixed] : [prefixed, personSpans(words)]
  return first.length > 0 ? first : second
}

/** Whether a span consists of whole words without pronouns and verbs, as 给我打电话 does not. */
function mayBeName(words: Word[], [from, to]: Span): boolean {
  const inside = words.filter(({ start }) => start >= from && start < to)
  const isWhole = inside[0]?.start === from && inside.at(-1)?.end === to
  return isWhole && inside.every(({ tag }) => tag !== 'r' && tag !== 'v')
}

/** A place may have several words: 朝阳区三里屯. */
const placeSpans = (words: Word[]): Span[] => mergeAdjacent(words, ({ tag }) => tag === 'ns' || tag === 'nt')

/** Runs of adjacent words of a kind. */
function mergeAdjacent(words: Word[], isOne: (word: Word) => boolean): Span[] {
  const runs: Span[] = []
  for (const { start, end } of words.filter(isOne)) {
    const before = runs.at(-1)
    if (before?.[1] === start) before[1] = end
    else runs.push([start, end])
  }
  return runs
}

const MAX_NAME = 3

/** A family name alone takes the characters after it, which the dictionary tags as separate words: 李雷, 赵丽颖. */
function personSpans(words: Word[]): Span[] {
  const isPerson = ({ tag, word }: Word) => tag.startsWith('nr') || (tag === 'eng' && /^\p{Lu}/u.test(word))
  const isGiven = ({ tag, word }: Word) => word.length === 1 && /^(?:n|a|nz|ng|nr|vg|zg)$/.test(tag)
  const found = mergeAdjacent(words, isPerson)
  for (const person of found) {
    if (spanLength(person) > 1) continue
    for (const next of words)
      if (next.start === person[1] && isGiven(next) && spanLength(person) < MAX_NAME) person[1] = next.end
  }
  return found.filter(person => spanLength(person) > 1)
}

const spanLength = ([start, end]: Span): number => end - start
