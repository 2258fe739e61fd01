import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import type { Logger } from '../../shared/base/log.ts'

/** Fastify's own refusals in Lares's words. https://fastify.dev/docs/latest/Reference/Errors/ */
function fromFastifyError(error: {
  code?: string
  statusCode?: number
  message: string
}): LaresError | undefined {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new LaresError('too_large', 'the request is too large (maxBodyBytes of gateway.yaml)')
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new LaresError('unsupported_media_type', 'the body must be application/json')
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new LaresError('invalid_request', error.message)
  return undefined
}

const toProblem = (error: unknown): LaresError => {
  const known = error instanceof LaresError || !(error instanceof Error) ? undefined : fromFastifyError(error)
  return known ?? toLaresError(error)
}

/** Internal details go to the log; people get a message that they can act on. */
export const messageForClient = (problem: LaresError): string =>
  problem.code === 'failed' ? 'something went wrong in the gateway; its log says what' : problem.message

export function problemHandler(log: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const problem = toProblem(error)
    if (problem.status >= 500)
      log.error({ path: pathOf(request), code: problem.code, err: error }, problem.message)
    return sendProblem(request, reply, problem)
  }
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: LaresError) {
  if (problem.code === 'unauthorized') reply.header('www-authenticate', 'Bearer realm="lares"')
  if (problem.status === 429 || problem.status === 503)
    reply.header('retry-after', Math.ceil((problem.retryAfterMs ?? 1000) / 1000))
  return reply.code(problem.status).send(problemBody(pathOf(request), problem))
}

/** The path alone, because a query may contain a token. */
export const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0]!

const problemBody = (path: string, problem: LaresError) =>
  path.startsWith('/v1/')
    ? openAiBody(problem)
    : { error: { code: problem.code, message: messageForClient(problem) } }

/** https://platform.openai.com/docs/guides/error-codes */
export function openAiBody(problem: LaresError) {
  const type = problem.status < 500 ? 'invalid_request_error' : 'server_error'
  return { error: { message: messageForClient(problem), type, param: paramOf(problem), code: problem.code } }
}

const paramOf = ({ cause }: LaresError): string | null =>
  cause instanceof z.ZodError ? (cause.issues[0]?.path.join('.') ?? '') || null : null

/** Validates input from clients. Errors: `invalid_request`, which names each wrong field. */
export function parseInput<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.length > 0 ? path.join('.') : 'the body'}: ${message}`,
  )
  throw new LaresError('invalid_request', problems.join('; '), { cause: result.error })
}

export function handleUnknownRoutes(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new LaresError('not_found', `there is no ${request.method} ${pathOf(request)}`),
    ),
  )
}
