import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Backend, DeployedFunction, Usage } from '../backend.ts'
import { NAMESPACE, readDeployment } from '../deployment.ts'
import { bodyAs, nameFrom } from './requests.ts'

const deletion = z.object({ functionName: z.string().min(1), namespace: z.string().optional() })
const scaling = z.object({
  serviceName: z.string().optional(),
  replicas: z.int().min(0).max(100),
  namespace: z.string().optional(),
})
const inNamespace = z.object({ namespace: z.string().optional(), usage: z.string().optional() })

/** How long CPU use is watched to tell it as a rate. */
const USAGE_WINDOW_MS = 200

/** /system/functions and its like, as faas-provider v0.25 has them (serve.go, types/). */
export function functionRoutes(app: FastifyInstance, backend: Backend): void {
  app.get('/system/functions', async request => {
    checkNamespace(inNamespace.parse(request.query).namespace)
    return backend.list().map(one => statusOf(one))
  })

  app.post('/system/functions', async (request, reply) => {
    await backend.deploy(readDeployment(bodyAs(z.unknown(), request)))
    return reply.code(202).send()
  })

  app.put('/system/functions', async (request, reply) => {
    const deployment = readDeployment(bodyAs(z.unknown(), request))
    backend.get(deployment.name)
    await backend.deploy(deployment)
    return reply.code(202).send()
  })

  app.delete('/system/functions', async (request, reply) => {
    const { functionName, namespace } = bodyAs(deletion, request)
    checkNamespace(namespace)
    await backend.remove(nameFrom(functionName))
    return reply.code(202).send()
  })

  app.get<{ Params: { name: string } }>('/system/function/:name', async request => {
    const { namespace, usage } = inNamespace.parse(request.query)
    checkNamespace(namespace)
    const one = backend.get(nameFrom(request.params.name))
    const watched = usage === '1' || usage === 'true'
    return statusOf(one, watched ? await watch(backend, one.deployment.name) : undefined)
  })

  app.post<{ Params: { name: string } }>('/system/scale-function/:name', async (request, reply) => {
    const { replicas, namespace } = bodyAs(scaling, request)
    checkNamespace(namespace)
    await backend.scale(nameFrom(request.params.name), replicas)
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

type Use = { cpu: number; totalMemoryBytes: number }

/** CPU in thousandths of a core, as FunctionUsage has it. */
async function watch(backend: Backend, name: string): Promise<Use | undefined> {
  const before = await backend.usage(name)
  const startedAt = performance.now()
  await new Promise(resolve => setTimeout(resolve, USAGE_WINDOW_MS))
  const after = await backend.usage(name)
  return before && after ? rate(before, after, performance.now() - startedAt) : undefined
}

const rate = (before: Usage, after: Usage, elapsedMs: number): Use => ({
  cpu: Math.max(0, Math.round(((after.cpuMs - before.cpuMs) / elapsedMs) * 1_000)),
  totalMemoryBytes: after.memoryBytes,
})

/** FunctionStatus; what a backend does not do of what was asked for stands among the annotations, which faas-cli shows. */
function statusOf(one: DeployedFunction, usage?: Use) {
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
      ...(notices.length > 0 && { 'com.lares.notice': notices.join('; ') }),
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
