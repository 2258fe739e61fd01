import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import type { AnyFunction } from '../../../shared/contract/definition.ts'
import { defineSkill } from '../../../shared/contract/skill/skill.ts'

/** Repeats a word. */
export const echo: AnyFunction = defineSkill({
  name: 'echo',
  description: 'Says a word back.',
  examples: ['echo the word apple', 'echo the word pear back to me', 'please echo this word'],
  input: z.object({ word: z.string() }),
  read: text => {
    const word = /\bword (\S+)/.exec(text)?.[1]
    return word === undefined ? null : { word }
  },
  run: ({ word }) => `Echo: ${word}`,
})

/** Sets a timer for some seconds after the message was sent, as the reminder does, under the id of its event. */
export const alarm: AnyFunction = defineSkill({
  name: 'alarm',
  description: 'Rings after some seconds.',
  examples: ['ring the alarm in 5 seconds', 'ring an alarm in 10 seconds', 'alarm in 20 seconds please'],
  input: z.object({ seconds: z.number() }),
  uses: ['timers'],
  read: text => {
    const seconds = /\bin (\d+) seconds/.exec(text)?.[1]
    return seconds === undefined ? null : { seconds: Number(seconds) }
  },
  async run({ seconds }, { timers, idempotencyKey: id, conversation, person, text, language, saidAt }) {
    const dueAt = new Date(saidAt.getTime() + seconds * 1_000).toISOString()
    await timers.schedule({ id, conversation, person, text, language, dueAt })
    return `It rings in ${seconds} seconds.`
  },
})

/** Refuses every call for good: a skill that tells the person something by failing. */
export const refuse: AnyFunction = defineSkill({
  name: 'refuse',
  description: 'Refuses.',
  examples: ['refuse to do it', 'refuse this for me', 'please refuse'],
  input: z.object({}),
  run: () => {
    throw new LaresError('not_found', 'I refuse.')
  },
})
