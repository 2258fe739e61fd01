import * as z from 'zod'
import { lazy } from '#shared/base/concurrency/lazy.ts'
import { LaresError } from '#shared/base/errors.ts'
import { decideOnce } from '#shared/contract/decision.ts'
import { type SkillAnswer, skillAnswerSchema } from '#shared/contract/skill/skill.ts'
import type { SkillContext } from '#shared/contract/skill/skill-context.ts'
import { choiceQuestion, parseChoice, parseChoiceQuestion } from '#shared/language/choices.ts'
import { packsReading } from '#shared/language/detection.ts'
import { bestMatches, type Matches } from '#shared/language/matching.ts'
import { packFor } from '#shared/language/packs.ts'
import type { JsonRecord } from '#shared/store/store.ts'
import { bulletList, NOTES_PER_LIST, numberedList } from './messages.ts'

const NOTES_COLLECTION = 'notes'
const MAX_TEXT_LENGTH = 4_000
const MAX_NOTES = 2_000

type Context = SkillContext<'records'>

/** Saves the note once, however often the event arrives. */
export async function addNote(text: string, context: Context): Promise<string> {
  const { records, person, idempotencyKey: id, saidAt, language } = context
  const t = packFor(language).notes.phrases
  if (text === '') return t.what
  if (text.length > MAX_TEXT_LENGTH) throw new LaresError('rejected', t.tooLong)
  const isKnown = (await records.get({ collection: NOTES_COLLECTION, person, id })) !== undefined
  if (!isKnown && (await records.count({ collection: NOTES_COLLECTION, person })) >= MAX_NOTES)
    throw new LaresError('rejected', t.full)
  await records.insert(NOTES_COLLECTION, { id, person, text, body: null, createdAt: saidAt.toISOString() })
  return t.saved(text)
}

export async function listNotes({ records, person, language }: Context): Promise<string> {
  const t = packFor(language).notes.phrases
  const notes = await records.list({ collection: NOTES_COLLECTION, person, limit: NOTES_PER_LIST + 1 })
  return notes.length === 0 ? t.none : t.list(bulletList(notes.map(textOf)), notes.length > NOTES_PER_LIST)
}

export async function searchNotes(query: string, context: Context): Promise<string> {
  const t = packFor(context.language).notes.phrases
  const found = await findNotes(query, context)
  return found.length === 0 ? t.unknown(query) : bulletList(found.map(textOf))
}

const deleteDecisionSchema = lazy(() => z.object({ id: z.string().optional(), reply: skillAnswerSchema() }))
type DeleteDecision = z.infer<ReturnType<typeof deleteDecisionSchema>>

/** Deletes the one matching note. When several match, it asks which one. */
export async function deleteNote(query: string, context: Context): Promise<SkillAnswer> {
  const { records, person, idempotencyKey, saidAt } = context
  const key = { collection: 'deleted-notes', person, id: idempotencyKey }
  const { id, reply } = await decideOnce(
    records,
    key,
    saidAt,
    () => decideDeletion(query, context),
    deleteDecisionSchema(),
  )
  if (id !== undefined) await records.delete({ collection: NOTES_COLLECTION, person, id })
  return reply
}

async function decideDeletion(query: string, context: Context): Promise<DeleteDecision> {
  const t = packFor(context.language).notes.phrases
  const notes = await allNotes(context)
  if (notes.length === 0) return { reply: t.none }
  const readers = packsReading(query, context.language)
  if (readers.some(({ notes: { all } }) => all.test(query))) return { reply: t.oneByOne }
  const { items: meant, isSure } = matchNotes(query, notes, context)
  const [first] = meant
  if (!first) return { reply: t.unknown(query) }
  return meant.length > 1 || !isSure
    ? { reply: { text: t.which(numberedList(meant.map(textOf))), asks: choiceQuestion(meant) } }
    : { id: first.id, reply: t.deleted(first.text) }
}

function matchNotes(query: string, notes: JsonRecord[], { asked, language }: Context): Matches<JsonRecord> {
  const options = parseChoiceQuestion(asked)
  if (options) {
    const ids = new Set(parseChoice(options, query, language).items.map(({ id }) => id))
    return { items: notes.filter(({ id }) => ids.has(id)), isSure: true }
  }
  if (query === '') return { items: notes, isSure: true }
  return packsReading(query, language).some(({ notes: { latest } }) => latest.test(query))
    ? { items: notes.slice(0, 1), isSure: true }
    : bestMatches(notes, textOf, query, language)
}

const allNotes = ({ records, person }: Context): Promise<JsonRecord[]> =>
  records.list({ collection: NOTES_COLLECTION, person, limit: MAX_NOTES })

/**
 * Searches the index first. The index knows only exact words, so the function then looks for other forms in all notes.
 */
async function findNotes(query: string, context: Context): Promise<JsonRecord[]> {
  const { records, person, language } = context
  const found = await records.search({
    collection: NOTES_COLLECTION,
    person,
    query: query,
    limit: NOTES_PER_LIST,
  })
  const { items } = bestMatches(found, textOf, query, language)
  return items.length > 0 ? items : bestMatches(await allNotes(context), textOf, query, language).items
}

const textOf = ({ text }: JsonRecord): string => text
