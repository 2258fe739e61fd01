import * as z from 'zod'
import { parseRecordBody } from '#shared/store/record-body.ts'
import type { Records } from '#shared/store/store.ts'

/**
 * For each conversation, the memories behind its last answer. It stores ids alone, so that it keeps nothing of a
 * forgotten memory.
 */
const USED_COLLECTION = 'memories-used'

/**
 * A pending question about which memory or document to forget. `ids`: the choices. `by`: the message that led to the
 * question. `answered`: the message that answered it, and the ids that it chose.
 */
const forgetQuestionSchema = z.object({
  about: z.enum(['memories', 'documents']),
  by: z.string(),
  ids: z.array(z.string()),
  answered: z.object({ message: z.string(), ids: z.array(z.string()) }).optional(),
})
export type ForgetQuestion = z.infer<typeof forgetQuestionSchema>

/** `ids`: the memories behind the answer. `at`: the time of the message that they answered. */
const answerSourcesSchema = z.object({
  ids: z.array(z.string()),
  at: z.string(),
  asked: forgetQuestionSchema.optional(),
})
export type AnswerSources = z.infer<typeof answerSourcesSchema>

/**
 * Reads the stored sources once for each message. This is safe, because the messages of a conversation are handled one
 * after the other.
 */
export type AnswerSourcesStore = {
  /** The sources of the last answer in this person's conversation. */
  last(): Promise<AnswerSources | undefined>
  /** A message that arrives a second time does not overwrite the sources of later messages. */
  record(used: AnswerSources): Promise<void>
}

export function openAnswerSources(
  records: Records,
  person: string,
  conversation: string,
): AnswerSourcesStore {
  const key = { collection: USED_COLLECTION, person, id: conversation }
  let cached: Promise<AnswerSources | undefined> | undefined
  const last = () => {
    cached ??= records
      .get(key)
      .then(found => found && parseRecordBody(answerSourcesSchema, USED_COLLECTION, found))
    return cached
  }
  return {
    last,
    async record(used) {
      const known = await last()
      if (known ? known.at > used.at || isUnchanged(known, used) : isEmpty(used)) return
      await records.put(USED_COLLECTION, {
        id: conversation,
        person,
        text: '',
        body: used,
        createdAt: used.at,
      })
      cached = Promise.resolve(used)
    },
  }
}

const isEmpty = ({ ids, asked }: AnswerSources): boolean => ids.length === 0 && !asked
const isUnchanged = (known: AnswerSources, used: AnswerSources): boolean =>
  !known.asked && !used.asked && haveSameIds(known.ids, used.ids)

const haveSameIds = (a: string[], b: string[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i])
