import { decidedOnce } from '#shared/contract/decision.ts'
import type { Message } from '#shared/contract/events/event-types.ts'
import type { Source } from '#shared/knowledge/memories.ts'
import { bestMatches } from '#shared/language/matching.ts'
import { phrases } from './messages.ts'
import type { LibraryRequest } from './requests.ts'
import { allHeld, FORGOTTEN, type Held, held, remove, type Tools } from './store.ts'

/** `asked`: the ids of those of which one is to be chosen. */
type Decision = { gone: Held[]; reply: string; asked?: string[] }

export type Served = { answer: string; asked?: string[] }

/** Does what is asked before it is confirmed; the answer is the same when the message comes a second time. */
export async function serve(
  request: LibraryRequest,
  message: Message,
  source: Source,
  tools: Tools,
): Promise<Served> {
  const all = await heldThen(message, source, tools)
  if (request.kind === 'list') return { answer: phrases[message.language].list(all) }
  return await carryOut(message, source, tools, () => decide(request, all, message.language))
}

/** Forgets those that were chosen of several. */
export async function forgetChosen(
  chosen: readonly Held[],
  message: Message,
  source: Source,
  tools: Tools,
): Promise<string> {
  const reply = phrases[message.language].forgotten(chosen.map(({ name }) => name))
  return (await carryOut(message, source, tools, () => ({ gone: [...chosen], reply }))).answer
}

/** What was there when the message was said. */
export const heldThen = async ({ person }: Message, { saidAt }: Source, { documents }: Tools) =>
  (await allHeld(documents, person)).filter(({ at }) => at <= saidAt)

async function carryOut(
  { person }: Message,
  { message, saidAt }: Source,
  tools: Tools,
  decide: () => Decision,
): Promise<Served> {
  const { documents } = tools
  const key = { collection: FORGOTTEN, person, id: message }
  const { gone, reply, asked } = await decidedOnce(documents, key, new Date(saidAt), async () => decide())
  for (const one of gone) {
    const now = await held(documents, person, one.id)
    // One that was sent before, and is read only now, is meant too; one that was sent again since is not.
    if (now && now.object !== one.object && now.at <= saidAt) await remove(tools, person, now)
    await remove(tools, person, one)
  }
  return { answer: reply, ...(asked && { asked }) }
}

function decide(
  request: Exclude<LibraryRequest, { kind: 'list' }>,
  all: Held[],
  language: Message['language'],
): Decision {
  const say = phrases[language]
  if (all.length === 0) return { gone: [], reply: say.none }
  const meant = request.kind === 'forget-all' ? all : meantBy(request.about, all)
  if (meant.length === 0) return { gone: [], reply: say.unknown((request as { about: string }).about) }
  if (meant.length > 1 && request.kind === 'forget')
    return {
      gone: [],
      reply: say.which(meant.map(({ name }) => name)),
      asked: meant.map(({ id }) => id),
    }
  return { gone: meant, reply: say.forgotten(meant.map(({ name }) => name)) }
}

/** Those of exactly that name, with what tells its kind or without. */
export const namedExactly = (name: string, all: readonly Held[]): Held[] =>
  all.filter(one => [one.name, stemOf(one.name)].some(known => known.toLowerCase() === name.toLowerCase()))

/** Those of exactly that name, else those whose names hold all of the words. */
function meantBy(about: string, all: Held[]): Held[] {
  if (about === '') return all
  const exact = namedExactly(about, all)
  if (exact.length > 0) return exact
  const { items, isSure } = bestMatches(all, ({ name }) => wordsOf(name), wordsOf(about))
  return isSure ? items : []
}

/** The name without what tells its kind. */
export const stemOf = (name: string): string => name.replace(/\.[a-z]{2,8}$/i, '')

/** As it is named in speech. */
export const wordsOf = (name: string): string => name.replace(/[_.-]+/g, ' ')
