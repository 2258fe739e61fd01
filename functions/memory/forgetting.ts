import type { Message } from '#shared/contract/events/event-types.ts'
import { byIds, forget, type Remembered, type Source } from '#shared/knowledge/memories.ts'
import { chosenOf, isNeverMind, type Option, plain } from '#shared/language/choices.ts'
import { forgetChosen, heldThen, namedExactly, wordsOf } from './documents/document-requests.ts'
import type { Tools } from './documents/store.ts'
import type { Asked, LastUsed } from './last-used.ts'
import { phrases } from './messages.ts'
import { meaningIn } from './semantic-recall.ts'

/** Those, and what they had replaced. */
export async function forgetMemories(
  ids: readonly string[],
  person: string,
  { saidAt }: Source,
  { documents, vectors }: Pick<Tools, 'documents' | 'vectors'>,
): Promise<void> {
  const memories = await byIds(documents, person, [...ids])
  const subjects = new Set(memories.map(({ subject }) => subject))
  const isMeant = ({ id, subject }: Remembered) => ids.includes(id) || subjects.has(subject)
  await meaningIn(vectors).changed(person, await forget(documents, { person, saidAt }, isMeant))
}

/**
 * What comes of the answer to "which one shall I forget?": by place, words or name, all, or none. Undefined when nothing
 * was asked, or this is something else, which drops the question. It is the same when the message comes a second time.
 */
export async function takeChoice(
  message: Message,
  source: Source,
  used: LastUsed,
  tools: Tools,
): Promise<string | undefined> {
  const { person, language } = message
  const last = await used.last()
  const { asked } = last ?? {}
  if (!last || !asked || last.at > source.saidAt || asked.by === source.message) return undefined
  const note = (more: { asked?: Asked }) => used.note({ ids: last.ids, at: source.saidAt, ...more })
  const ids = await chosenIds(asked, message, source, tools)
  if (ids === undefined) {
    await note({})
    return undefined
  }
  await note({ asked: { ...asked, answered: { message: source.message, ids } } })
  if (ids.length === 0) return phrases[language].keptAll
  if (asked.about === 'memories') {
    await forgetMemories(ids, person, source, tools)
    return ids.length === 1 ? phrases[language].forgottenLast : phrases[language].forgottenThose
  }
  const chosen = (await heldThen(message, source, tools)).filter(({ id }) => ids.includes(id))
  return await forgetChosen(chosen, message, source, tools)
}

/** Empty when none is to be forgotten; undefined when this is no answer. */
async function chosenIds(
  { about, ids, answered }: Asked,
  message: Message,
  source: Source,
  tools: Tools,
): Promise<string[] | undefined> {
  if (answered) return answered.message === source.message ? answered.ids : undefined
  if (isNeverMind(message.text)) return []
  const { items, isSure } =
    about === 'memories'
      ? chosenOf(await memoriesOf(ids, message, tools), message.text)
      : await documentsChosen(ids, message, source, tools)
  return isSure && items.length > 0 ? items.map(({ id }) => id) : undefined
}

async function memoriesOf(ids: string[], { person }: Message, { documents }: Tools): Promise<Option[]> {
  const memories = await byIds(documents, person, ids)
  return memories.map(({ id, text }) => ({ id, text }))
}

async function documentsChosen(ids: string[], message: Message, source: Source, tools: Tools) {
  const all = await heldThen(message, source, tools)
  const asked = ids.flatMap(id => all.find(one => one.id === id) ?? [])
  const exact = namedExactly(plain(message.text), asked)
  if (exact.length > 0) return { items: exact, isSure: true }
  const options = asked.map(({ id, name }) => ({ id, text: wordsOf(name) }))
  return chosenOf(options, wordsOf(message.text))
}
