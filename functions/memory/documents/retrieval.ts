import type { Intent, Language, Message } from '#shared/contract/events/event-types.ts'
import { toSearchQuery } from '#shared/knowledge/tokens.ts'
import type { Capabilities } from '#shared/models/models.ts'
import { splitSentences } from '../readers/chunks.ts'
import { searchDense } from './dense-retrieval.ts'
import { messagesIn } from './messages.ts'
import {
  asksForSummary,
  countMatches,
  countTerms,
  documentsNamedIn,
  isQuestion,
  type QueryTerms,
  queryTermsOf,
} from './query.ts'
import {
  firstPassages,
  type KnowledgeBaseDependencies,
  listDocuments,
  passagesByIds,
  type StoredDocument,
  type StoredPassage,
  searchPassages,
} from './store.ts'

/** A passage as a model gets it. */
export type Quotation = { cite: string; text: string }
/** The documents' contribution to a message: the reply itself, or the passages for the model. */
export type RetrievalResult = { answer?: string; passages?: Quotation[] }

const MAX_LEXICAL_HITS = 30
const MAX_DENSE_HITS = 8
/** Softens the difference between ranks, as for memories. */
const RANK_CONSTANT = 60
/**
 * The least score (`near`) of a passage related to a question, and of one that answers it when no other is nearly as
 * near. Measured with multilingual-e5-small, ten passages, 14 questions in other words or the other language, and 20
 * without an answer. The right passage came first for 10 of the 14, and was above 0.045 for 12. The 20 reached at most
 * 0.042.
 */
const RELATED_SCORE = 0.03
const ANSWERING_SCORE = 0.05
const MIN_LEAD = 0.01
/** The least share of the query terms in a related passage, and in one that answers. */
const RELATED_SHARE = 0.34
const ANSWERING_SHARE = 0.6
/** The most tokens of passages in a prompt. A small model gets fewer, because it loses track in long prompts. */
const MAX_TOKENS = 1_500
const MAX_TOKENS_SMALL = 300
const MAX_QUOTED = 420

/** `ahead`: the lead in score over all other passages; below 0 for all but one. */
type Candidate = {
  passage: StoredPassage
  share: number
  count: number
  near: number
  ahead: number
  rank: number
}

/**
 * Searches the documents of a person for a message. Without a model that can work with passages, the passage that
 * answers is the reply. `onlyIds`: the documents that came with the message. A message whose `intent` is a skill is not
 * a question to documents, unless it names one.
 */
export async function retrieve(
  { person, text, language }: Message,
  intent: Intent,
  dependencies: KnowledgeBaseDependencies,
  onlyIds: readonly string[] = [],
): Promise<RetrievalResult> {
  const all = await listDocuments(dependencies.records, person)
  if (all.length === 0) return {}
  const targets =
    onlyIds.length > 0 ? all.filter(({ id }) => onlyIds.includes(id)) : documentsNamedIn(all, text)
  if (targets.length === 0 && (intent.skill !== null || !isQuestion(text, language))) return {}
  const queryTerms = queryTermsOf(text, targets, language)
  const candidates = await findCandidates(
    person,
    text,
    queryTerms,
    targets.length > 0 ? targets : all,
    dependencies,
  )
  // Unless the model is known to call tools, the reply quotes passages.
  const capabilities = await dependencies.state.capabilities.known()
  const toQuotation = quotationFormatter(all, language)
  if (
    targets.length > 0 &&
    (asksForSummary(text, language) || (candidates.length === 0 && capabilities?.tools))
  ) {
    const opening = await firstPassages(
      dependencies.records,
      person,
      targets[0]!,
      capabilities?.tools ? 12 : 1,
    )
    return capabilities?.tools
      ? { passages: fitQuotations(opening, toQuotation, capabilities) }
      : quoteAnswer(opening[0], undefined, toQuotation, language)
  }
  if (capabilities?.tools)
    return candidates.length === 0
      ? {}
      : {
          passages: fitQuotations(
            candidates.map(one => one.passage),
            toQuotation,
            capabilities,
          ),
        }
  const best = candidates.find(one => isAnswer(one, countTerms(queryTerms)))
  if (best) return quoteAnswer(best.passage, queryTerms, toQuotation, language)
  const isAsked = targets.length > 0 && isQuestion(text, language)
  const related = candidates.filter(({ share }) => isAsked && share >= ANSWERING_SHARE / 2)
  return related.length === 0
    ? {}
    : {
        passages: fitQuotations(
          related.map(one => one.passage),
          toQuotation,
          capabilities,
        ),
      }
}

/**
 * Ranks passages by words and by meaning, by the sum of their reciprocal ranks. It searches the given documents alone.
 */
async function findCandidates(
  person: string,
  text: string,
  queryTerms: QueryTerms,
  targets: readonly StoredDocument[],
  dependencies: KnowledgeBaseDependencies,
): Promise<Candidate[]> {
  const { records } = dependencies
  const termCount = countTerms(queryTerms)
  const ids = new Set(targets.map(({ id }) => id))
  const lexicalHits = (await searchPassages(records, person, toSearchQuery(text), MAX_LEXICAL_HITS)).filter(
    one => ids.has(one.document),
  )
  const denseHits = await searchDense(person, text, MAX_DENSE_HITS, dependencies)
  const passagesById = new Map(lexicalHits.map(one => [one.id, one]))
  const others = await passagesByIds(
    records,
    person,
    denseHits.map(({ id }) => id).filter(id => !passagesById.has(id)),
  )
  for (const one of others) if (ids.has(one.document)) passagesById.set(one.id, one)
  const ranks = new Map<string, number>()
  for (const list of [lexicalHits, denseHits])
    for (const [rank, { id }] of list.entries())
      ranks.set(id, (ranks.get(id) ?? 0) + 1 / (RANK_CONSTANT + rank + 1))
  const relevantHits = denseHits.filter(({ id }) => passagesById.has(id))
  const scores = new Map(relevantHits.map(({ id, score }) => [id, score]))
  const candidates = [...passagesById.values()].map(passage => {
    const count = countMatches(queryTerms, `${passage.place.section ?? ''}\n${passage.text}`)
    const share = termCount === 0 ? 0 : count / termCount
    return {
      passage,
      count,
      share,
      near: scores.get(passage.id) ?? 0,
      ahead: leadOf(passage.id, relevantHits),
      rank: ranks.get(passage.id) ?? 0,
    }
  })
  return candidates
    .filter(one => one.share >= RELATED_SHARE || one.near >= RELATED_SCORE)
    .sort((a, b) => relevanceOf(b) - relevanceOf(a) || b.rank - a.rank)
}

/** A very near passage (`ANSWERING_SCORE`) counts as much as half of the words. */
const relevanceOf = ({ share, near }: Candidate): number => share + near / ANSWERING_SCORE / 2

const leadOf = (id: string, hits: readonly { id: string; score: number }[]): number => {
  const own = hits.find(one => one.id === id)?.score ?? 0
  return own - Math.max(0, ...hits.filter(one => one.id !== id).map(({ score }) => score))
}

/** By words: one term is enough when the question has only one. By meaning: alone, or with some of the words. */
const isAnswer = ({ share, count, near, ahead }: Candidate, termCount: number): boolean =>
  (share >= ANSWERING_SHARE && (count >= 2 || termCount === 1)) ||
  (near >= ANSWERING_SCORE && (ahead >= MIN_LEAD || share >= RELATED_SHARE))

type ToQuotation = (passage: StoredPassage) => Quotation

const quotationFormatter =
  (documents: readonly StoredDocument[], language: Language): ToQuotation =>
  ({ document, place, text }) => {
    const name = documents.find(({ id }) => id === document)?.name ?? ''
    return { cite: messagesIn(language).cite(name, place), text }
  }

function quoteAnswer(
  passage: StoredPassage | undefined,
  queryTerms: QueryTerms | undefined,
  toQuotation: ToQuotation,
  language: Language,
): RetrievalResult {
  if (!passage) return {}
  const { cite, text } = toQuotation(passage)
  return { answer: messagesIn(language).quoted(excerpt(text, queryTerms), cite) }
}

/** Shortens a long passage to the sentence with the most query terms and the text after it. */
function excerpt(text: string, queryTerms: QueryTerms | undefined): string {
  const flat = text.replace(/\s*\n+\s*/g, '\n').trim()
  if (flat.length <= MAX_QUOTED) return flat
  const sentences = splitSentences(flat)
  const scores = sentences.map(sentence => (queryTerms ? countMatches(queryTerms, sentence) : 0))
  const from = scores.indexOf(Math.max(...scores))
  let quoted = sentences[from] ?? ''
  for (const next of sentences.slice(from + 1)) {
    if (quoted.length + next.length > MAX_QUOTED) break
    quoted += next
  }
  return [from > 0 && '… ', quoted.trim().slice(0, 2 * MAX_QUOTED)].filter(Boolean).join('')
}

/** As many quotations as fit, in their order. */
function fitQuotations(
  all: readonly StoredPassage[],
  toQuotation: ToQuotation,
  capabilities: Capabilities | undefined,
): Quotation[] {
  let left = capabilities?.tools
    ? Math.min(MAX_TOKENS, Math.floor(capabilities.contextTokens / 4))
    : MAX_TOKENS_SMALL
  const kept: Quotation[] = []
  for (const one of all.map(toQuotation)) {
    left -= estimateTokens(one.cite) + estimateTokens(one.text)
    if (left < 0) break
    kept.push(one)
  }
  return kept
}

/** An upper estimate: one token for a Chinese character, and one for about three characters of other text. */
function estimateTokens(text: string): number {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0
  return han + Math.ceil((text.length - han) / 3)
}
