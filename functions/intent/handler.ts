import type { SkillManifest } from '../../shared/function/catalogue.ts'
import { defineFunction } from '../../shared/function/definition.ts'
import { background } from './background.ts'
import { type Classifier, trainClassifier } from './classifier.ts'

const none = { skill: null, score: 1, candidates: [] }

/** Learns anew only when the deployed skills or their examples change. */
function learner() {
  let known: { key: string; classify: Classifier } | undefined
  return (skills: readonly SkillManifest[]): Classifier => {
    const key = JSON.stringify(skills.map(({ name, examples }) => [name, examples]))
    if (known?.key !== key) known = { key, classify: trainClassifier(examplesOf(skills)) }
    return known.classify
  }
}

const examplesOf = (skills: readonly SkillManifest[]) => [
  ...background.map(text => ({ skill: null, text })),
  ...skills.flatMap(({ name, examples }) => examples.map(text => ({ skill: name, text }))),
]

const classifierFor = learner()

export default defineFunction({
  name: 'intent',
  receives: ['lares.message.received', 'lares.message.transcribed'],
  emits: ['lares.intent.recognised'],
  uses: ['catalogue'],
  async handle(event, { catalogue }) {
    const message = event.data
    const text = message.text.trim()
    // A slash begins a command, which is dialog's.
    const intent = text === '' || text.startsWith('/') ? none : classifierFor(await catalogue.skills())(text)
    return { type: 'lares.intent.recognised', data: { message, saidAt: event.time, intent } }
  },
})
