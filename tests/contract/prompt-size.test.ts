import { expect, test } from 'vitest'
import { openTestConversation, prompts } from '../../functions/dialog/talk.fixture.ts'
import calculator from '../../functions/skills/calculator/handler.ts'
import notes from '../../functions/skills/notes/handler.ts'
import reminder from '../../functions/skills/reminder/handler.ts'
import time from '../../functions/skills/time/handler.ts'
import { readConfig } from '../../shared/config/files.ts'
import { requestBody } from '../../shared/models/openai/request.ts'

const MAX_BYTES = 2_048

test('at most two kilobytes are put around a one-line message, with every skill offered', () => {
  const skills = [calculator, notes, reminder, time].map(({ skill }) => skill!)
  const talk = openTestConversation({ skills, assistant: readConfig('config', 'assistant') })
  const text = 'what should I cook tonight?'
  const [prompt] = prompts(talk.say('m1', text))
  expect(prompt!.tools.map(({ name }) => name)).toEqual(['calculator', 'notes', 'reminder', 'time'])
  const body = JSON.stringify(requestBody('model', prompt!, new Set()))
  expect(Buffer.byteLength(body) - Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_BYTES)
})
