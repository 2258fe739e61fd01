import { LaresError } from '#shared/base/errors.ts'
import { decidedOnce } from '#shared/contract/decision.ts'
import type { SkillAnswer, SkillContext } from '#shared/contract/skill.ts'
import { askedAmong, chosenOf, whichOf } from '#shared/language/choices.ts'
import { bestMatches, type Matches } from '#shared/language/matching.ts'
import type { Document } from '#shared/store/store.ts'
import { listed, phrases } from './messages.ts'

const NOTES = 'notes'
const MAX_TEXT = 4_000
const MAX_NOTES = 2_000
const LAST = /^(?:(?:last|latest|newest|most recent|最后|最新|最近|上)\s*(?:one|一?条|一?个)?)$/i
const ALL = /^(?:all|every|everything|所有|全部|一切)|^清空/i

type Context = SkillContext<'documents'>

/** Kept once, however often the event comes. */
export async function add(text: string, context: Context): Promise<string> {
  const { documents, person, idempotencyKey: id, saidAt, language } = context
  const say = phrases[language]
  if (text === '') return say.what
  if (text.length > MAX_TEXT) throw new LaresError('rejected', say.tooLong)
  const isKnown = (await documents.get({ collection: NOTES, person, id })) !== undefined
  if (!isKnown && (await documents.count({ collection: NOTES, person })) >= MAX_NOTES)
    throw new LaresError('rejected', say.full)
  await documents.insert(NOTES, { id, person, text, body: null, createdAt: saidAt.toISOString() })
  return say.saved(text)
}

export async function list({ documents, person, language }: Context): Promise<string> {
  const say = phrases[language]
  const notes = await documents.list({ collection: NOTES, person, limit: listed + 1 })
  return notes.length === 0 ? say.none : say.list(notes.map(textOf), notes.length > listed)
}

export async function search(about: string, context: Context): Promise<string> {
  const say = phrases[context.language]
  const found = await matching(about, context)
  return found.length === 0 ? say.unknown(about) : say.found(found.map(textOf))
}

type Removed = { id?: string; reply: SkillAnswer }

/** Deletes the one note that is meant; where several could be meant, it asks which. */
export async function remove(about: string, context: Context): Promise<SkillAnswer> {
  const { documents, person, idempotencyKey, saidAt } = context
  const key = { collection: 'deleted-notes', person, id: idempotencyKey }
  const { id, reply } = await decidedOnce(documents, key, saidAt, () => decide(about, context))
  if (id !== undefined) await documents.delete({ collection: NOTES, person, id })
  return reply
}

async function decide(about: string, context: Context): Promise<Removed> {
  const say = phrases[context.language]
  const notes = await all(context)
  if (notes.length === 0) return { reply: say.none }
  if (ALL.test(about)) return { reply: say.oneByOne }
  const { items: meant, isSure } = meantBy(about, notes, context.asked)
  const [first] = meant
  if (!first) return { reply: say.unknown(about) }
  return meant.length > 1 || !isSure
    ? { reply: { text: say.which(meant.map(textOf)), asks: whichOf(meant) } }
    : { id: first.id, reply: say.deleted(first.text) }
}

function meantBy(about: string, notes: Document[], asked: unknown): Matches<Document> {
  const among = askedAmong(asked)
  if (among) {
    const ids = new Set(chosenOf(among, about).items.map(({ id }) => id))
    return { items: notes.filter(({ id }) => ids.has(id)), isSure: true }
  }
  if (about === '') return { items: notes, isSure: true }
  return LAST.test(about) ? { items: notes.slice(0, 1), isSure: true } : bestMatches(notes, textOf, about)
}

const all = ({ documents, person }: Context): Promise<Document[]> =>
  documents.list({ collection: NOTES, person, limit: MAX_NOTES })

/** By the index first; it knows words only as they were written, so other forms of them are looked for in all notes. */
async function matching(about: string, context: Context): Promise<Document[]> {
  const { documents, person } = context
  const found = await documents.search({ collection: NOTES, person, query: about, limit: listed })
  const { items } = bestMatches(found, textOf, about)
  return items.length > 0 ? items : bestMatches(await all(context), textOf, about).items
}

const textOf = ({ text }: Document): string => text
