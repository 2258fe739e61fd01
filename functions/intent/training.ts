import { setTimeout as wait } from 'node:timers/promises'
import { toLaresError } from '#shared/base/errors.ts'
import type { Logger } from '#shared/base/log.ts'
import type { SkillManifest } from '#shared/contract/catalogue.ts'
import type { Intent } from '#shared/contract/events/event-types.ts'
import type { Embedder } from '#shared/models/models.ts'
import { type Classifier, trainClassifier } from './classifier.ts'
import { dualEmbedding } from './dual-embedding.ts'
import { type LexicalClassifier, trainLexicalClassifier } from './lexical-classifier.ts'
import { outOfScopeExamples } from './out-of-scope-examples.ts'

/** The pause before the next attempt after the embeddings failed. */
const EMBEDDING_RETRY_MS = 60_000

/**
 * Delays the training for the first message, whose answer also waits for the chat model to load. Without the delay that
 * answer took 4 s longer.
 */
const TRAINING_DELAY_MS = 5_000

type TrainedClassifiers = { key: string; byWords: LexicalClassifier; byMeaning?: Classifier }

/**
 * Trains the classifier again only when the deployed skills or their examples change: by words at once, and by meaning
 * as soon as the embeddings are ready. The latter starts a little later and takes a second or two, and at first a
 * download. No message waits for it. Without embeddings words alone decide, and the log says so once.
 */
export function openIntentRecogniser(now: () => number = Date.now) {
  let trained: TrainedClassifiers | undefined
  let retryAt = 0
  let lastWarning = ''

  const onEmbeddingFailure = (error: unknown, log: Logger) => {
    const { message, retryable } = toLaresError(error)
    retryAt = retryable ? now() + EMBEDDING_RETRY_MS : Number.POSITIVE_INFINITY
    if (message !== lastWarning)
      log.warn({ err: error }, 'no embeddings: messages are understood by their words alone')
    lastWarning = message
  }

  function ensureTrained(
    skills: readonly SkillManifest[],
    models: Embedder,
    log: Logger,
  ): TrainedClassifiers {
    const key = JSON.stringify(skills.map(({ name, examples }) => [name, examples]))
    if (trained?.key === key && (trained.byMeaning || now() < retryAt)) return trained
    const examples = trainingExamples(skills)
    const training: TrainedClassifiers =
      trained?.key === key ? trained : { key, byWords: trainLexicalClassifier(examples) }
    trained = training
    retryAt = Number.POSITIVE_INFINITY
    const embed = dualEmbedding(models)
    wait(TRAINING_DELAY_MS, undefined, { ref: false })
      .then(() => trainClassifier(examples, embed))
      .then(byMeaning => {
        training.byMeaning = byMeaning
        lastWarning = ''
        log.info({ skills: skills.length, examples: examples.length }, 'learnt what the skills are asked for')
      })
      .catch(error => onEmbeddingFailure(error, log))
    return training
  }

  return {
    async intentOf(
      text: string,
      skills: readonly SkillManifest[],
      models: Embedder,
      log: Logger,
    ): Promise<Intent> {
      const { byWords, byMeaning } = ensureTrained(skills, models, log)
      try {
        if (byMeaning) return await byMeaning(text)
      } catch (error) {
        onEmbeddingFailure(error, log)
      }
      return byWords(text)
    },
  }
}

const trainingExamples = (skills: readonly SkillManifest[]) => [
  ...outOfScopeExamples.map(text => ({ skill: null, text })),
  ...skills.flatMap(({ name, examples }) => examples.map(text => ({ skill: name, text }))),
]
