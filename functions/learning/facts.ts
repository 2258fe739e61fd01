import * as z from 'zod'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { shareContent } from '#shared/knowledge/tokens.ts'
import type { ChatMessage, Tool, ToolCall } from '#shared/models/models.ts'

const MAX_NOTES = 5
const MAX_NOTE_LENGTH = 200

type LearningRequest = EventData<'lares.learning.requested'>
type LearntFact = EventData<'lares.facts.learnt'>['facts'][number]

/** The schema of the model's answer. */
export const keepNotesTool: Tool = {
  name: 'keep_notes',
  description: 'Keeps notes about the person for later conversations.',
  parameters: {
    type: 'object',
    properties: {
      notes: {
        type: 'array',
        description: `At most ${MAX_NOTES}; none when the message holds nothing for later.`,
        items: {
          type: 'object',
          properties: {
            text: { type: 'string', description: 'One short sentence, as the person would say it.' },
            replaces: {
              type: 'integer',
              description: 'The number of the note that is no longer true because of this one.',
            },
          },
          required: ['text'],
        },
      },
    },
    required: ['notes'],
  },
}

const INSTRUCTIONS = `You keep notes about a person who talks to an assistant. From their message, note what will still matter in a month: facts about them, about the people, animals and things of their life, what they like and dislike, their plans, and events with their dates.
Do not note questions, requests, small talk, moods, guesses, or what the notes say already in other words. Note nothing that the message does not say.
Write each note as the person would say it of themself, with "I" or "my", in the language of the message. Write dates as YYYY-MM-DD.
Answer with ${keepNotesTool.name} alone.`

/** The prompt. It quotes the message, so that the model notes its content and does not obey it. */
export const composePrompt = ({ text, saidAt, known }: LearningRequest): ChatMessage[] => [
  { role: 'system', content: INSTRUCTIONS },
  {
    role: 'user',
    content: [
      `Today is ${weekdayOf(saidAt)}, ${saidAt.slice(0, 10)}.`,
      known.length === 0
        ? 'There are no notes yet.'
        : `The notes so far:\n${known.map((note, at) => `${at + 1}. ${note.text}`).join('\n')}`,
      `The message:\n<message>\n${text}\n</message>`,
    ].join('\n\n'),
  },
]

const weekdayOf = (time: string): string =>
  new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' }).format(new Date(time))

const noteSchema = z.object({
  text: z.string().trim().min(1).max(MAX_NOTE_LENGTH),
  replaces: z.int().nullish(),
})
const answerSchema = z.object({ notes: z.array(z.unknown()) })

/** The valid part of a model's answer. It drops malformed facts, and facts that the message does not contain. */
export function parseNotes(call: ToolCall, { text, known }: LearningRequest): LearntFact[] {
  const notes =
    call.name === keepNotesTool.name ? (answerSchema.safeParse(call.arguments).data?.notes ?? []) : []
  return notes
    .flatMap(given => noteSchema.safeParse(given).data ?? [])
    .filter(found => isGroundedIn(found.text, text))
    .slice(0, MAX_NOTES)
    .map(found => {
      const replaced = known[(found.replaces ?? 0) - 1]
      return { text: found.text, ...(replaced && { replaces: replaced.id }) }
    })
}

const DATE = /\d{4}-\d{2}-\d{2}/g
const NUMBER = /\d+/g

/** Whether a note takes its words and numbers from the message. A date may be computed. */
function isGroundedIn(note: string, message: string): boolean {
  const numbersInMessage: readonly string[] = message.match(NUMBER) ?? []
  return (
    shareContent(note, message) &&
    (note.replace(DATE, '').match(NUMBER) ?? []).every(number => numbersInMessage.includes(number))
  )
}
