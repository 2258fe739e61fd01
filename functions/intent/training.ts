import { setTimeout as wait } from 'node:timers/promises'
import { toLaresError } from '#shared/base/errors.ts'
import type { Log } from '#shared/base/log.ts'
import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { Intent } from '#shared/contract/events/event-types.ts'
import type { Embedder } from '#shared/models/models.ts'
import { type Classifier, trainClassifier } from './classifier.ts'
import { bothViews } from './dual-embedding.ts'
import { type LexicalClassifier, trainLexical } from './lexical-classifier.ts'
import { background } from './out-of-scope-examples.ts'

/** How long to leave the embeddings alone after they failed. */
const RETRY_MS = 60_000

/** The first message, whose answer also waits for the chat model to load, has the machine to itself: it was 4 s slower without. */
const LEARN_AFTER_MS = 5_000

type Known = { key: string; byWords: LexicalClassifier; byMeaning?: Classifier }

/**
 * Learns anew only when the deployed skills or their examples change: by words at once, and by meaning as soon as the
 * embeddings are there, which begins a little later, takes a second or two, and at first a download. Nobody waits for that, and without
 * embeddings the words alone decide; the log says so once.
 */
export function openLearner(now: () => number = Date.now) {
  let known: Known | undefined
  let retryAt = 0
  let saidWhy = ''

  const sayWhy = (error: unknown, log: Log) => {
    const { message, retryable } = toLaresError(error)
    retryAt = retryable ? now() + RETRY_MS : Number.POSITIVE_INFINITY
    if (message !== saidWhy)
      log.warn({ err: error }, 'no embeddings: messages are understood by their words alone')
    saidWhy = message
  }

  function learn(skills: readonly SkillManifest[], models: Embedder, log: Log): Known {
    const key = JSON.stringify(skills.map(({ name, examples }) => [name, examples]))
    if (known?.key === key && (known.byMeaning || now() < retryAt)) return known
    const examples = examplesOf(skills)
    const learning: Known = known?.key === key ? known : { key, byWords: trainLexical(examples) }
    known = learning
    retryAt = Number.POSITIVE_INFINITY
    const embed = bothViews(models)
    wait(LEARN_AFTER_MS, undefined, { ref: false })
      .then(() => trainClassifier(examples, embed))
      .then(byMeaning => {
        learning.byMeaning = byMeaning
        saidWhy = ''
        log.info({ skills: skills.length, examples: examples.length }, 'learnt what the skills are asked for')
      })
      .catch(error => sayWhy(error, log))
    return learning
  }

  return {
    async intentOf(
      text: string,
      skills: readonly SkillManifest[],
      models: Embedder,
      log: Log,
    ): Promise<Intent> {
      const { byWords, byMeaning } = learn(skills, models, log)
      try {
        if (byMeaning) return await byMeaning(text)
      } catch (error) {
        sayWhy(error, log)
      }
      return byWords(text)
    },
  }
}

const examplesOf = (skills: readonly SkillManifest[]) => [
  ...background.map(text => ({ skill: null, text })),
  ...skills.flatMap(({ name, examples }) => examples.map(text => ({ skill: name, text }))),
]
