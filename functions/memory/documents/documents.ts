import type { Intent, Message } from '#shared/contract/events/event-types.ts'
import type { Source } from '#shared/knowledge/memories.ts'
import { follow } from './dense-retrieval.ts'
import { serve } from './document-requests.ts'
import { takeIn } from './ingestion.ts'
import { phrases } from './messages.ts'
import { isQuestion } from './query.ts'
import { libraryRequestIn } from './requests.ts'
import { type Consulted, consult } from './retrieval.ts'
import type { Tools } from './store.ts'

/** `notice`: what is said before the reply. `isAll`: there is nothing else to say, unless somebody else has. `asked`: of which
 * documents, by id, one is to be chosen. */
export type FromLibrary = Consulted & { notice?: string; isAll?: boolean; asked?: string[] }

/**
 * What documents have to do with a message: those that it brings are read and kept, and what it asks of them is done.
 * Undefined when it brings none and asks nothing of them; then they may still be consulted.
 */
export async function attend(
  message: Message,
  intent: Intent,
  source: Source,
  tools: Tools,
): Promise<FromLibrary | undefined> {
  const { person, text, language } = message
  const taken = await takeIn(message, source, tools)
  if (!taken) {
    const request = libraryRequestIn(text)
    return request && (await serve(request, message, source, tools))
  }
  const ids = taken.flatMap(({ id }) => id ?? [])
  if (ids.length > 0) void follow(person, tools)
  const notice = taken.map(one => phrases[language].taken(one)).join('\n')
  if (text.trim() === '') return { answer: notice }
  if (intent.skill !== null) return { notice }
  const { answer, passages } = ids.length > 0 ? await consult(message, intent, tools, ids) : {}
  if (answer !== undefined) return { answer: `${notice}\n\n${answer}` }
  return { notice, isAll: passages === undefined && !isQuestion(text), ...(passages && { passages }) }
}
