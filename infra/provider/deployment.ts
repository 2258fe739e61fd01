import * as z from 'zod'
import { LaresError } from '../../shared/base/errors.ts'
import { parseQuantity } from './quantity.ts'
import { parseActiveHours } from './scaling/active-hours.ts'
import { parseScalingLabels, type ScalingPolicy } from './scaling/scaling.ts'

/** The only namespace of the process and docker backends, and faas-cli's default. */
export const NAMESPACE = 'openfaas-fn'

const stringMapSchema = z.record(z.string(), z.string()).nullish()
const resourcesSchema = z
  .object({
    memory: z.string().optional(),
    cpu: z.string().optional(),
    'nvidia.com/gpu': z.string().optional(),
  })
  .nullish()

/**
 * FunctionDeployment of faas-provider v0.25 (types/function_deployment.go), as faas-cli sends it. The provider ignores
 * unknown keys of newer versions.
 */
export const functionDeploymentSchema = z.object({
  service: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a name has lower-case letters, digits and dashes'),
  image: z.string().min(1),
  namespace: z.string().optional(),
  envProcess: z.string().optional(),
  envVars: stringMapSchema,
  constraints: z.array(z.string()).nullish(),
  secrets: z.array(z.string()).nullish(),
  labels: stringMapSchema,
  annotations: stringMapSchema,
  limits: resourcesSchema,
  requests: resourcesSchema,
  readOnlyRootFilesystem: z.boolean().optional(),
})

type Resources = { memory?: string; cpu?: string; 'nvidia.com/gpu'?: string }

/** A function as requested, with every default filled in. */
export type Deployment = {
  name: string
  namespace: string
  image: string
  process: string | undefined
  environment: Record<string, string>
  constraints: string[]
  secrets: string[]
  labels: Record<string, string>
  annotations: Record<string, string>
  limits: Resources
  requests: Resources
  readOnly: boolean
}

/** Limits as numbers: bytes, cores, whole GPUs. */
export type Limits = { memoryBytes?: number; cpus?: number; gpus?: number }

/** Docker's grammar for references (distribution/reference): a registry, a path, a tag, a digest. */
const IMAGE_REFERENCE =
  /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/

/**
 * Reads a request of faas-cli and validates as much of it as possible without a backend, so that an impossible request
 * changes nothing. Errors: `invalid_request`, naming the function, the field and the remedy.
 */
export function readDeployment(body: unknown): Deployment {
  const result = functionDeploymentSchema.safeParse(body)
  if (!result.success) throw new LaresError('invalid_request', z.prettifyError(result.error))
  const given = result.data
  const deployment: Deployment = {
    name: given.service,
    namespace: given.namespace || NAMESPACE,
    image: given.image,
    process: given.envProcess || undefined,
    environment: given.envVars ?? {},
    constraints: given.constraints ?? [],
    secrets: given.secrets ?? [],
    labels: given.labels ?? {},
    annotations: given.annotations ?? {},
    limits: withoutEmptyValues(given.limits),
    requests: withoutEmptyValues(given.requests),
    readOnly: given.readOnlyRootFilesystem ?? false,
  }
  checkDeployment(deployment)
  return deployment
}

function checkDeployment(deployment: Deployment): void {
  const { name, image, requests } = deployment
  if (!IMAGE_REFERENCE.test(image))
    throw new LaresError(
      'invalid_request',
      `${name}: "${image}" is not the name of an image; write it as in registry/path/name:tag`,
    )
  const limits = limitsOf(deployment)
  const requested = parseResources(name, 'requests', requests)
  if ((requested.memoryBytes ?? 0) > (limits.memoryBytes ?? Number.POSITIVE_INFINITY))
    throw new LaresError('invalid_request', `${name}: requests.memory is more than limits.memory`)
  if ((requested.cpus ?? 0) > (limits.cpus ?? Number.POSITIVE_INFINITY))
    throw new LaresError('invalid_request', `${name}: requests.cpu is more than limits.cpu`)
  for (const constraint of deployment.constraints) parseConstraint(constraint)
  for (const secret of deployment.secrets) checkSecretName(secret)
  scalingPolicyOf(deployment)
  parseActiveHours(deployment.annotations)
}

/**
 * The limits. GPUs may also come from the annotation, because stack.yml has no key for them. Errors: `invalid_request`.
 */
export function limitsOf({ name, limits, annotations }: Deployment): Limits {
  const gpus = annotations['com.lares.gpu'] ?? limits['nvidia.com/gpu']
  return parseResources(name, 'limits', { ...limits, ...(gpus !== undefined && { 'nvidia.com/gpu': gpus }) })
}

/** Errors: `invalid_request`. */
export const scalingPolicyOf = ({ labels }: Deployment): ScalingPolicy => parseScalingLabels(labels)

function parseResources(name: string, kind: string, given: Resources): Limits {
  const { memory, cpu, 'nvidia.com/gpu': gpus } = given
  if (gpus !== undefined && !/^\d{1,3}$/.test(gpus))
    throw new LaresError('invalid_request', `${name}: "${gpus}" GPUs cannot be read; write a whole number`)
  return {
    ...(memory !== undefined && { memoryBytes: parseQuantity(memory, `${name}: ${kind}.memory`) }),
    ...(cpu !== undefined && { cpus: parseQuantity(cpu, `${name}: ${kind}.cpu`) }),
    ...(gpus !== undefined && { gpus: Number(gpus) }),
  }
}

export type Constraint = { key: string; value: string; equal: boolean }

/**
 * Parses `key=value`, `key==value` or `key!=value` of a node's label. It accepts the prefix `node.labels.`, as Swarm
 * has it. Errors: `invalid_request`.
 */
export function parseConstraint(text: string): Constraint {
  const [, key, operator, value] =
    /^\s*(?:node\.labels\.)?([A-Za-z0-9][\w./-]*)\s*(==|!=|=)\s*([\w.-]*)\s*$/.exec(text) ?? []
  if (key === undefined || value === undefined)
    throw new LaresError(
      'invalid_request',
      `the constraint "${text}" cannot be read; write LABEL=VALUE of a node`,
    )
  return { key, value, equal: operator !== '!=' }
}

/** Checks that a name is valid for a file and for a Kubernetes object. Errors: `invalid_request`. */
export function checkSecretName(name: string): void {
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name))
    throw new LaresError(
      'invalid_request',
      `"${name}" cannot be the name of a secret; use lower-case letters, digits, dots and dashes`,
    )
}

/** Removes empty values, because faas-cli sends them for missing ones. */
function withoutEmptyValues(given: Record<string, string | undefined> | null | undefined): Resources {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value)) as Resources
}

/** JSON with sorted keys, because clients send them in any order. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
