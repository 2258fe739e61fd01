import * as z from 'zod'
import { parseRecordBody } from '#shared/store/record-body.ts'
import type { Records } from '#shared/store/store.ts'

/** By conversation: which memories its last answer came from. Ids alone, so that what is forgotten is not kept here. */
const USED_COLLECTION = 'memories-used'

/**
 * Of which things the last answer asked which to forget, by their ids, and to which message. `answered`: by which message,
 * and which of them it meant.
 */
const forgetQuestionSchema = z.object({
  about: z.enum(['memories', 'documents']),
  by: z.string(),
  ids: z.array(z.string()),
  answered: z.object({ message: z.string(), ids: z.array(z.string()) }).optional(),
})
export type ForgetQuestion = z.infer<typeof forgetQuestionSchema>

/** `at`: when the message was said that they served. */
const answerSourcesSchema = z.object({
  ids: z.array(z.string()),
  at: z.string(),
  asked: forgetQuestionSchema.optional(),
})
export type AnswerSources = z.infer<typeof answerSourcesSchema>

/** Read once for a message, however many ask: those of one conversation are handled one after the other. */
export type AnswerSourcesStore = {
  /** What the last answer of this person's conversation came from. */
  last(): Promise<AnswerSources | undefined>
  /** A message that comes a second time changes nothing that later ones have noted. */
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
