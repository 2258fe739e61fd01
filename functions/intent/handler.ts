import { defineFunction } from '#shared/contract/definition.ts'
import { openIntentRecogniser } from './training.ts'

const noIntent = { skill: null, score: 1, candidates: [] }

export default defineFunction({
  name: 'intent',
  receives: ['lares.message.received', 'lares.message.transcribed'],
  emits: ['lares.intent.recognised'],
  uses: ['catalogue', 'models'],
  init: () => openIntentRecogniser(),
  async handle(event, { catalogue, models, log, state: recogniser }) {
    const message = event.data
    const text = message.text.trim()
    // A slash begins a command, which dialog handles.
    const isForSkills = text !== '' && !text.startsWith('/')
    const intent = isForSkills
      ? await recogniser.intentOf(text, await catalogue.skills(), models, log)
      : noIntent
    return { type: 'lares.intent.recognised', data: { message, saidAt: event.time, intent } }
  },
})
