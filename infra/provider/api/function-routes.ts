import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Backend, DeployedFunction, Usage } from '../backend.ts'
import { NAMESPACE, readDeployment } from '../deployment.ts'
import { noticeAnnotation } from '../notices.ts'
import { parseBody, parseFunctionName } from './requests.ts'

const deleteRequestSchema = z.object({ functionName: z.string().min(1), namespace: z.string().optional() })
const scaleRequestSchema = z.object({
  serviceName: z.string().optional(),
  replicas: z.int().min(0).max(100),
  namespace: z.string().optional(),
})
const namespaceQuerySchema = z.object({ namespace: z.string().optional(), usage: z.string().optional() })

/** The time over which CPU use is measured as a rate. */
const USAGE_WINDOW_MS = 200

/** The routes below /system/functions, as in faas-provider v0.25 (serve.go, types/). */
export function registerFunctionRoutes(app: FastifyInstance, backend: Backend): void {
  app.get('/system/functions', async request => {
    checkNamespace(namespaceQuerySchema.parse(request.query).namespace)
    return backend.list().map(one => functionStatusOf(one))
  })

  app.post('/system/functions', async (request, reply) => {
    await backend.deploy(readDeployment(parseBody(z.unknown(), request)))
    return reply.code(202).send()
  })

  app.put('/system/functions', async (request, reply) => {
    const deployment = readDeployment(parseBody(z.unknown(), request))
    backend.get(deployment.name)
    await backend.deploy(deployment)
    return reply.code(202).send()
  })

  app.delete('/system/functions', async (request, reply) => {
    const { functionName, namespace } = parseBody(deleteRequestSchema, request)
    checkNamespace(namespace)
    await backend.remove(parseFunctionName(functionName))
    return reply.code(202).send()
  })

  app.get<{ Params: { name: string } }>('/system/function/:name', async request => {
    const { namespace, usage } = namespaceQuerySchema.parse(request.query)
    checkNamespace(namespace)
    const one = backend.get(parseFunctionName(request.params.name))
    const withUsage = usage === '1' || usage === 'true'
    return functionStatusOf(one, withUsage ? await measureUsage(backend, one.deployment.name) : undefined)
  })

  app.post<{ Params: { name: string } }>('/system/scale-function/:name', async (request, reply) => {
    const { replicas, namespace } = parseBody(scaleRequestSchema, request)
    checkNamespace(namespace)
    await backend.scale(parseFunctionName(request.params.name), replicas)
    return reply.code(202).send()
  })

  app.get('/system/namespaces', async () => [NAMESPACE])

  app.all('/system/namespace/*', async () => {
    throw new LaresError('not_found', `there is one namespace, ${NAMESPACE}, and no other can be made`)
  })
}

function checkNamespace(namespace: string | undefined): void {
  if (namespace && namespace !== NAMESPACE)
    throw new LaresError('invalid_request', `there is no namespace "${namespace}", only ${NAMESPACE}`)
}

type UsageRate = { cpu: number; totalMemoryBytes: number }

/** CPU use in thousandths of a core, as in FunctionUsage. */
async function measureUsage(backend: Backend, name: string): Promise<UsageRate | undefined> {
  const before = await backend.usage(name)
  const startedAt = performance.now()
  await new Promise(resolve => setTimeout(resolve, USAGE_WINDOW_MS))
  const after = await backend.usage(name)
  return before && after ? usageRateOf(before, after, performance.now() - startedAt) : undefined
}

const usageRateOf = (before: Usage, after: Usage, elapsedMs: number): UsageRate => ({
  cpu: Math.max(0, Math.round(((after.cpuMs - before.cpuMs) / elapsedMs) * 1_000)),
  totalMemoryBytes: after.memoryBytes,
})

/**
 * FunctionStatus. The annotations, which faas-cli shows, include the parts of the request that the backend does not
 * fulfil.
 */
function functionStatusOf(one: DeployedFunction, usage?: UsageRate) {
  const { deployment, createdAt, replicas, availableReplicas, activity, notices } = one
  return {
    name: deployment.name,
    image: deployment.image,
    namespace: deployment.namespace,
    envProcess: deployment.process,
    envVars: deployment.environment,
    constraints: deployment.constraints,
    secrets: deployment.secrets,
    labels: deployment.labels,
    annotations: {
      ...deployment.annotations,
      ...noticeAnnotation(notices),
    },
    limits: deployment.limits,
    requests: deployment.requests,
    readOnlyRootFilesystem: deployment.readOnly,
    invocationCount: activity.completed,
    replicas,
    availableReplicas,
    createdAt: new Date(createdAt).toISOString(),
    ...(usage && { usage }),
  }
}
