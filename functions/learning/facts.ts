import * as z from 'zod'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { related } from '#shared/knowledge/tokens.ts'
import type { ChatMessage, Tool, ToolCall } from '#shared/models/models.ts'

const MAX_NOTES = 5
const MAX_LENGTH = 200

type Asked = EventData<'lares.learning.requested'>
type Found = EventData<'lares.facts.learnt'>['facts'][number]

/** How the model answers. */
export const keepNotes: Tool = {
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
Answer with ${keepNotes.name} alone.`

/** What the model is asked: the message is quoted, so that what it says is noted and not obeyed. */
export const promptFor = ({ text, saidAt, known }: Asked): ChatMessage[] => [
  { role: 'system', content: INSTRUCTIONS },
  {
    role: 'user',
    content: [
      `Today is ${weekday(saidAt)}, ${saidAt.slice(0, 10)}.`,
      known.length === 0
        ? 'There are no notes yet.'
        : `The notes so far:\n${known.map((note, at) => `${at + 1}. ${note.text}`).join('\n')}`,
      `The message:\n<message>\n${text}\n</message>`,
    ].join('\n\n'),
  },
]

const weekday = (time: string): string =>
  new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' }).format(new Date(time))

const note = z.object({ text: z.string().trim().min(1).max(MAX_LENGTH), replaces: z.int().nullish() })
const answer = z.object({ notes: z.array(z.unknown()) })

/** What of a model's answer can be kept: what is malformed, or what the message does not say, is left out. */
export function notesIn(call: ToolCall, { text, known }: Asked): Found[] {
  const notes = call.name === keepNotes.name ? (answer.safeParse(call.arguments).data?.notes ?? []) : []
  return notes
    .flatMap(given => note.safeParse(given).data ?? [])
    .filter(found => isSaid(found.text, text))
    .slice(0, MAX_NOTES)
    .map(found => {
      const replaced = known[(found.replaces ?? 0) - 1]
      return { text: found.text, ...(replaced && { replaces: replaced.id }) }
    })
}

const DATE = /\d{4}-\d{2}-\d{2}/g
const NUMBER = /\d+/g

/** Whether a note has its words and its numbers from the message; a date may be worked out. */
function isSaid(note: string, message: string): boolean {
  const said: readonly string[] = message.match(NUMBER) ?? []
  return (
    related(note, message) &&
    (note.replace(DATE, '').match(NUMBER) ?? []).every(number => said.includes(number))
  )
}
