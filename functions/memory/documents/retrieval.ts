import { setTimeout as sleep } from 'node:timers/promises'
import type { Intent, Language, Message } from '#shared/contract/events/event-types.ts'
import { searchWords } from '#shared/knowledge/tokens.ts'
import { sentencesOf } from '../readers/chunks.ts'
import { nearest } from './dense-retrieval.ts'
import { phrases } from './messages.ts'
import { asksForWhole, isQuestion, matches, named, wantedIn } from './query.ts'
import { allHeld, beginning, type Held, type Passage, passages, search, type Tools } from './store.ts'

/** A passage as a model gets it. */
export type Quotation = { cite: string; text: string }
/** What documents have for a message: what the reply is, or what a model needs for it. */
export type Consulted = { answer?: string; passages?: Quotation[] }

const MAX_FOUND = 30
const MAX_NEAR = 8
/** Softens the difference between ranks, as for memories. */
const RANK_CONSTANT = 60
/**
 * How near a passage is (`nearest`) that has to do with a question, and that answers it, when no other is nearly as near.
 * With multilingual-e5-small, ten passages, 14 questions in other words or the other language, and 20 that none answers: of
 * the 14 the right one came first for 10, and was above 0.045 for 12; the 20 came to 0.042 at most.
 */
const NEAR = 0.03
const VERY_NEAR = 0.05
const AHEAD = 0.01
/** How much of what is asked for a passage must hold to be about it, and to answer it. */
const ABOUT = 0.34
const SURE = 0.6
/** What passages may take of a prompt, in tokens; of a small model's, which drowns in it. */
const MAX_TOKENS = 1_500
const MAX_TOKENS_SMALL = 300
const MAX_QUOTED = 420
const ABILITY_LIMIT_MS = 500

/** `ahead`: by how much it is nearer than all others, below 0 for all but one. */
type Found = { passage: Passage; share: number; count: number; near: number; ahead: number; rank: number }

/**
 * What the documents of a person have to say to a message. Without a model that can work with them, the passage that
 * answers is the answer. `only`: the documents that came with the message. `intent`: what a skill is meant by is no question
 * to documents, unless it names one.
 */
export async function consult(
  { person, text, language }: Message,
  intent: Intent,
  tools: Tools,
  only: readonly string[] = [],
): Promise<Consulted> {
  const all = await allHeld(tools.documents, person)
  if (all.length === 0) return {}
  const meant = only.length > 0 ? all.filter(({ id }) => only.includes(id)) : named(all, text)
  if (meant.length === 0 && (intent.skill !== null || !isQuestion(text))) return {}
  const wanted = wantedIn(text, meant)
  const found = await find(person, text, wanted, meant.length > 0 ? meant : all, tools)
  const model = await abilityOf(tools)
  const quote = quoting(all, language)
  if (meant.length > 0 && (asksForWhole(text) || (found.length === 0 && model?.tools))) {
    const start = await beginning(tools.documents, person, meant[0]!, model?.tools ? 12 : 1)
    return model?.tools ? { passages: affordable(start, quote, model) } : said(start[0], [], quote, language)
  }
  if (model?.tools)
    return found.length === 0
      ? {}
      : {
          passages: affordable(
            found.map(one => one.passage),
            quote,
            model,
          ),
        }
  const best = found.find(one => isSure(one, wanted.length))
  if (best) return said(best.passage, wanted, quote, language)
  const isAsked = meant.length > 0 && isQuestion(text)
  const related = found.filter(({ share }) => isAsked && share >= SURE / 2)
  return related.length === 0
    ? {}
    : {
        passages: affordable(
          related.map(one => one.passage),
          quote,
          model,
        ),
      }
}

/** By words and by meaning, by the sum of their reciprocal ranks; of the given documents alone. */
async function find(
  person: string,
  text: string,
  wanted: readonly string[],
  from: readonly Held[],
  tools: Tools,
): Promise<Found[]> {
  const { documents } = tools
  const ids = new Set(from.map(({ id }) => id))
  const byWords = (await search(documents, person, searchWords(text), MAX_FOUND)).filter(one =>
    ids.has(one.document),
  )
  const near = await nearest(person, text, MAX_NEAR, tools)
  const known = new Map(byWords.map(one => [one.id, one]))
  const others = await passages(
    documents,
    person,
    near.map(({ id }) => id).filter(id => !known.has(id)),
  )
  for (const one of others) if (ids.has(one.document)) known.set(one.id, one)
  const ranks = new Map<string, number>()
  for (const list of [byWords, near])
    for (const [rank, { id }] of list.entries())
      ranks.set(id, (ranks.get(id) ?? 0) + 1 / (RANK_CONSTANT + rank + 1))
  const among = near.filter(({ id }) => known.has(id))
  const scores = new Map(among.map(({ id, score }) => [id, score]))
  const found = [...known.values()].map(passage => {
    const count = matches(wanted, `${passage.place.section ?? ''}\n${passage.text}`)
    const share = wanted.length === 0 ? 0 : count / wanted.length
    return {
      passage,
      count,
      share,
      near: scores.get(passage.id) ?? 0,
      ahead: aheadOf(passage.id, among),
      rank: ranks.get(passage.id) ?? 0,
    }
  })
  return found
    .filter(one => one.share >= ABOUT || one.near >= NEAR)
    .sort((a, b) => weightOf(b) - weightOf(a) || b.rank - a.rank)
}

/** So that what is very near counts as much as half of the words. */
const weightOf = ({ share, near }: Found): number => share + near / VERY_NEAR / 2

const aheadOf = (id: string, near: readonly { id: string; score: number }[]): number => {
  const own = near.find(one => one.id === id)?.score ?? 0
  return own - Math.max(0, ...near.filter(one => one.id !== id).map(({ score }) => score))
}

/** By words: one is enough where it is all that was asked for. By meaning: alone, or with some of the words. */
const isSure = ({ share, count, near, ahead }: Found, wanted: number): boolean =>
  (share >= SURE && (count >= 2 || wanted === 1)) || (near >= VERY_NEAR && (ahead >= AHEAD || share >= ABOUT))

type Quote = (passage: Passage) => Quotation

const quoting =
  (all: readonly Held[], language: Language): Quote =>
  ({ document, place, text }) => {
    const name = all.find(({ id }) => id === document)?.name ?? ''
    return { cite: phrases[language].cite(name, place), text }
  }

function said(
  passage: Passage | undefined,
  wanted: readonly string[],
  quote: Quote,
  language: Language,
): Consulted {
  if (!passage) return {}
  const { cite, text } = quote(passage)
  return { answer: phrases[language].quoted(excerpt(text, wanted), cite) }
}

/** Of a long passage the sentence that holds the most of what was asked for, with what comes after it. */
function excerpt(text: string, wanted: readonly string[]): string {
  const flat = text.replace(/\s*\n+\s*/g, '\n').trim()
  if (flat.length <= MAX_QUOTED) return flat
  const sentences = sentencesOf(flat)
  const scores = sentences.map(sentence => matches(wanted, sentence))
  const from = scores.indexOf(Math.max(...scores))
  let quoted = sentences[from] ?? ''
  for (const next of sentences.slice(from + 1)) {
    if (quoted.length + next.length > MAX_QUOTED) break
    quoted += next
  }
  return [from > 0 && '… ', quoted.trim().slice(0, 2 * MAX_QUOTED)].filter(Boolean).join('')
}

type Ability = { tools: boolean; contextTokens: number }

/** What the model can do; undefined when there is none, or when it does not say so at once. */
async function abilityOf({ models, log }: Tools): Promise<Ability | undefined> {
  const none = sleep(ABILITY_LIMIT_MS, undefined, { ref: false })
  const asked = (async () => await models.capabilities('text-generation'))().catch(error => {
    log.debug({ err: error }, 'there is no model: passages are quoted')
    return undefined
  })
  return await Promise.race([asked, none])
}

/** As many as fit, in their order. */
function affordable(all: readonly Passage[], quote: Quote, model: Ability | undefined): Quotation[] {
  let left = model?.tools ? Math.min(MAX_TOKENS, Math.floor(model.contextTokens / 4)) : MAX_TOKENS_SMALL
  const kept: Quotation[] = []
  for (const one of all.map(quote)) {
    left -= tokensOf(one.cite) + tokensOf(one.text)
    if (left < 0) break
    kept.push(one)
  }
  return kept
}

/** At most: a Chinese character is one, of other text about three characters are. */
function tokensOf(text: string): number {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0
  return han + Math.ceil((text.length - han) / 3)
}
