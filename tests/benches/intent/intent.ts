import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { trainClassifier } from '../../../functions/intent/classifier.ts'
import { bothViews } from '../../../functions/intent/dual-embedding.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { openEmbedder } from '../../../shared/models/embedder.ts'
import { openLog } from '../../../shared/observability/pino-log.ts'
import { rounded } from '../statistics.ts'
import { accuracies, planFor } from './measure.ts'
import { openKeptVectors } from './vector-cache.ts'

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
const say = (line: string) => void process.stderr.write(`${line}\n`)

const { learn, tune, test, remarks } = await planFor(values.train, values.test)
remarks.forEach(say)

const environment = readEnvironment(process.env)
const embedder = openEmbedder(environment, openLog('bench', 'warn'))
const vectors = await openKeptVectors(join(environment.cache, 'bench', 'vectors.db'), embedder, say)
/** What is measured is embedded anew, each text by itself, as a message is. */
let embed = bothViews(vectors)

const startedAt = performance.now()
const classify = await trainClassifier(learn, texts => embed(texts), tune)
const trainingMs = performance.now() - startedAt
say(`learnt from ${learn.length} utterances in ${Math.round(trainingMs / 1_000)} s`)

vectors.close()
embed = bothViews(embedder)
const testedAt = performance.now()
const shares = await accuracies(classify, test)
const msPerUtterance = (performance.now() - testedAt) / test.length
if (shares.oosRecall === null) say(`oosRecall is null: ${values.test} has no utterances out of scope`)
await embedder.close()
process.stdout.write(
  `${JSON.stringify({ ...shares, msPerUtterance: rounded(msPerUtterance), utterances: test.length, trainingMs: Math.round(trainingMs), memoryMB: Math.round(process.memoryUsage.rss() / 1e6) })}\n`,
)
