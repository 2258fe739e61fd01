import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { trainClassifier } from '../../../functions/intent/classifier.ts'
import { dualEmbedding } from '../../../functions/intent/dual-embedding.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { openEmbedder } from '../../../shared/models/embedder.ts'
import { openLogger } from '../../../shared/observability/pino-log.ts'
import { roundToThreeDigits } from '../statistics.ts'
import { measureAccuracies, readEvaluationPlan } from './measure.ts'
import { openCachedEmbedder } from './vector-cache.ts'

/**
 * `npm run bench:intent -- --train FILE --test FILE`: how well `functions/intent` tells intents apart. Files are of the
 * shape of CLINC150's: `train`, `val`, `test` and `oos_` with each, lists of [text, intent]. It learns from `train` and
 * `oos_train`, finds its threshold on `val` and `oos_val` of the same file, and is measured on the test split of the
 * other, which may be of another language; on its validation split when there is no test split, of which the threshold
 * then knows nothing. Standard output is one JSON object: shares of 1, milliseconds, and MB of 10^6 bytes; `oosRecall`
 * is null when nothing is out of scope. Embeddings are kept in LARES_CACHE/bench; milliseconds are without that.
 */
const { values } = parseArgs({ options: { train: { type: 'string' }, test: { type: 'string' } } })
if (!values.train || !values.test) throw new Error('usage: npm run bench:intent -- --train FILE --test FILE')
const printProgress = (line: string) => void process.stderr.write(`${line}\n`)

const { learn, tune, test, remarks } = await readEvaluationPlan(values.train, values.test)
remarks.forEach(printProgress)

const environment = readEnvironment(process.env)
const embedder = openEmbedder(environment, openLogger('bench', 'warn'))
const vectors = await openCachedEmbedder(
  join(environment.cacheDirectory, 'bench', 'vectors.db'),
  embedder,
  printProgress,
)
/** Measured texts are embedded anew, each by itself, as a message is. */
let embed = dualEmbedding(vectors)

const startedAt = performance.now()
const classify = await trainClassifier(learn, texts => embed(texts), tune)
const trainingMs = performance.now() - startedAt
printProgress(`learnt from ${learn.length} utterances in ${Math.round(trainingMs / 1_000)} s`)

vectors.close()
embed = dualEmbedding(embedder)
const testedAt = performance.now()
const accuracies = await measureAccuracies(classify, test)
const msPerUtterance = (performance.now() - testedAt) / test.length
if (accuracies.oosRecall === null)
  printProgress(`oosRecall is null: ${values.test} has no utterances out of scope`)
await embedder.close()
process.stdout.write(
  `${JSON.stringify({ ...accuracies, msPerUtterance: roundToThreeDigits(msPerUtterance), utterances: test.length, trainingMs: Math.round(trainingMs), memoryMB: Math.round(process.memoryUsage.rss() / 1e6) })}\n`,
)
