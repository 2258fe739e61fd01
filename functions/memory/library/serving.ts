import type { Message } from '../../../shared/events/types.ts'
import { decidedOnce } from '../../../shared/function/decision.ts'
import { bestMatches } from '../../../shared/matching.ts'
import type { Source } from '../../../shared/memories/memories.ts'
import { phrases } from './phrases.ts'
import type { LibraryRequest } from './requests.ts'
import { allHeld, type Held, held, remove, type Tools } from './store.ts'

type Decision = { gone: Held[]; reply: string }

/** Does what is asked before it is confirmed; the answer is the same when the message comes a second time. */
export async function serve(
  request: LibraryRequest,
  { person, language }: Message,
  { message, saidAt }: Source,
  tools: Tools,
): Promise<string> {
  const { documents } = tools
  const all = (await allHeld(documents, person)).filter(({ at }) => at <= saidAt)
  if (request.kind === 'list') return phrases[language].list(all)
  const key = { collection: 'library-forgotten', person, id: message }
  const { gone, reply } = await decidedOnce(documents, key, new Date(saidAt), async () =>
    decide(request, all, language),
  )
  for (const one of gone) {
    const now = await held(documents, person, one.id)
    // One that was sent again since is another.
    if (!now || now.at <= saidAt) await remove(tools, person, one)
  }
  return reply
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
    return { gone: [], reply: say.which(meant.map(({ name }) => name)) }
  return { gone: meant, reply: say.forgotten(meant.map(({ name }) => name)) }
}

/** Those of exactly that name, else those whose names hold all of the words. */
function meantBy(about: string, all: Held[]): Held[] {
  if (about === '') return all
  const wanted = about.toLowerCase()
  const exact = all.filter(({ name }) => [name, stemOf(name)].some(one => one.toLowerCase() === wanted))
  if (exact.length > 0) return exact
  const { items, isSure } = bestMatches(all, ({ name }) => wordsOf(name), wordsOf(about))
  return isSure ? items : []
}

/** The name without what tells its kind. */
export const stemOf = (name: string): string => name.replace(/\.[a-z]{2,8}$/i, '')

const wordsOf = (name: string): string => name.replace(/[_.-]+/g, ' ')
