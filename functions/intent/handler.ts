import { defineFunction } from '#shared/contract/definition.ts'
import { openLearner } from './training.ts'

const none = { skill: null, score: 1, candidates: [] }

const learner = openLearner()

export default defineFunction({
  name: 'intent',
  receives: ['lares.message.received', 'lares.message.transcribed'],
  emits: ['lares.intent.recognised'],
  uses: ['catalogue', 'models'],
  async handle(event, { catalogue, models, log }) {
    const message = event.data
    const text = message.text.trim()
    // A slash begins a command, which is dialog's.
    const isForSkills = text !== '' && !text.startsWith('/')
    const intent = isForSkills ? await learner.intentOf(text, await catalogue.skills(), models, log) : none
    return { type: 'lares.intent.recognised', data: { message, saidAt: event.time, intent } }
  },
})
