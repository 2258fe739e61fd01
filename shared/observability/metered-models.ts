import { toLaresError } from '../base/errors.ts'
import type { GenerateChunk, GenerateRequest, Models } from '../models/models.ts'
import { type Metrics, SECONDS_BUCKETS } from './metrics.ts'

/** The boundaries that https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/ advises. */
const DURATION_BUCKETS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]
const TOKEN_BUCKETS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576]

const LABEL_NAMES = ['gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_response_model'] as const

/** Measures each answer of a model: its duration, the time until its first piece, and its tokens. */
export function meteredModels<M extends Pick<Models, 'generate'>>(
  models: M,
  provider: string,
  metrics: Metrics,
): M {
  const duration = metrics.histogram(
    'gen_ai_client_operation_duration_seconds',
    'How long an answer of a model took.',
    [...LABEL_NAMES, 'error_type'],
    DURATION_BUCKETS,
  )
  const timeToFirstChunk = metrics.histogram(
    'gen_ai_client_operation_time_to_first_chunk_seconds',
    'How long until the first piece of an answer came.',
    ['gen_ai_operation_name', 'gen_ai_provider_name'],
    SECONDS_BUCKETS,
  )
  const tokens = metrics.histogram(
    'gen_ai_client_token_usage',
    'Tokens of an answer, by what they were.',
    [...LABEL_NAMES, 'gen_ai_token_type'],
    TOKEN_BUCKETS,
  )
  const common = { gen_ai_operation_name: 'chat', gen_ai_provider_name: provider }

  async function* measureChunks(chunks: AsyncIterable<GenerateChunk>): AsyncGenerator<GenerateChunk> {
    const startedAt = performance.now()
    const seconds = () => (performance.now() - startedAt) / 1_000
    let model = ''
    // A reader that stops early, for example at an interrupt, cancels the answer.
    let error_type = 'cancelled'
    let isFirst = true
    try {
      for await (const chunk of chunks) {
        if (isFirst) timeToFirstChunk.observe(common, seconds())
        isFirst = false
        if (chunk.kind === 'end') {
          const labels = { ...common, gen_ai_response_model: chunk.model }
          tokens.observe({ ...labels, gen_ai_token_type: 'input' }, chunk.usage.inputTokens)
          tokens.observe({ ...labels, gen_ai_token_type: 'output' }, chunk.usage.outputTokens)
          model = chunk.model
          error_type = ''
        }
        yield chunk
      }
    } catch (error) {
      error_type = toLaresError(error).code
      throw error
    } finally {
      duration.observe({ ...common, gen_ai_response_model: model, error_type }, seconds())
    }
  }
  return {
    ...models,
    generate: (task, request: GenerateRequest) => measureChunks(models.generate(task, request)),
  }
}
