import { parseArgs } from 'node:util'
import { trainClassifier } from '../../functions/intent/classifier.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { openEmbedder } from '../../shared/models/embedder.ts'
import { openLog } from '../../shared/pino-log.ts'
import { accuracies, examplesOf, msPerUtterance, readIntents, remembering, testOf } from './intent-measure.ts'
import { rounded } from './statistics.ts'

/**
 * `npm run bench:intent -- --train FILE --test FILE`: how well `functions/intent` tells intents apart. Files are of the
 * shape of CLINC150's: `train`, `val`, `test` and `oos_` with each, lists of [text, intent]. It learns from `train` and
 * `oos_train`, finds its threshold on `val` and `oos_val` of the same file, and is measured on the test split of the
 * other, which may be of another language; on its validation split when there is no test split. The last line is one
 * JSON object: shares of 1, milliseconds, and MB of 10^6 bytes.
 */
const { values } = parseArgs({ options: { train: { type: 'string' }, test: { type: 'string' } } })
if (!values.train || !values.test) throw new Error('usage: npm run bench:intent -- --train FILE --test FILE')

const environment = readEnvironment(process.env)
const embedder = openEmbedder(environment, openLog('bench', 'warn'))
const vectors = remembering(async texts => (await embedder.embed(texts, 'query')).vectors)
const [train, test] = await Promise.all([readIntents(values.train), readIntents(values.test)])

const startedAt = performance.now()
const classify = await trainClassifier(examplesOf(train, 'train'), vectors.embed, examplesOf(train, 'val'))
const trainingMs = performance.now() - startedAt
process.stdout.write(`learnt from ${train.train.length} utterances in ${Math.round(trainingMs)} ms\n`)

const utterances = testOf(test)
await vectors.embed(utterances.map(({ text }) => text))
const shares = await accuracies(classify, utterances)
vectors.clear()
const ms = await msPerUtterance(classify, utterances)
await embedder.close()
process.stdout.write(
  `${JSON.stringify({ ...shares, msPerUtterance: rounded(ms), utterances: utterances.length, trainingMs: Math.round(trainingMs), memoryMB: Math.round(process.memoryUsage.rss() / 1e6) })}\n`,
)
