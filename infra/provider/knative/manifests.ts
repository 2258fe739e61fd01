import { LaresError } from '../../../shared/base/errors.ts'
import { constraintOf, type Deployment, limitsOf, policyOf } from '../deployment.ts'
import { EGRESS, egressOf } from '../egress.ts'
import { quantityOf } from '../quantity.ts'
import type { Scaling } from '../scaling.ts'

/** A Kubernetes object as `kubectl apply` takes it. */
export type KubernetesObject = { apiVersion: string; kind: string; metadata: object; spec: object }

export const PART_OF = { 'app.kubernetes.io/part-of': 'lares' }
const AUTOSCALING = 'autoscaling.knative.dev'
/** Where of-watchdog and OpenFaaS's templates look for secrets. */
const SECRETS = '/var/openfaas/secrets'
const GPU = 'nvidia.com/gpu'
/** https://knative.dev/docs/serving/autoscaling/scale-to-zero/ */
const LONGEST_IDLE_MS = 60 * 60_000
/** Knative's default, over which it takes the mean of requests: only when that is none does a replica count as idle. */
const WINDOW_MS = 60_000
const SHORTEST_WINDOW_MS = 6_000

export type How = {
  /** Instead of what the labels say. */
  minScale?: number
  /** The Secret that every function's environment is in. `digest`: another one makes a revision. */
  environment?: { secret: string; digest: string } | undefined
}

/** `content`: what the image stood for when it was deployed, as NAME@sha256:…, or else what tells this time from others. */
export type Pinned = Deployment & { content?: string }
const CONTENT = 'com.lares.content'
const isImage = (content: string): boolean => content.includes('@')

/** On the template: what its environment was when it was applied. */
export const ENVIRONMENT_DIGEST = 'com.lares.environment'

/**
 * A function as Knative runs it: a Service with its autoscaling on the template, where Knative reads it, and what it may
 * reach. Errors: `invalid_request` for what Knative cannot do.
 */
export function manifestsOf(deployment: Pinned, how: How = {}): KubernetesObject[] {
  const policy = networkPolicyOf(deployment)
  return [serviceOf(deployment, how), ...(policy ? [policy] : [])]
}

function serviceOf(deployment: Pinned, how: How): KubernetesObject {
  const { environment } = how
  const { name, namespace, labels, annotations, content } = deployment
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      labels: { ...PART_OF, faas_function: name },
      // OpenFaaS's labels may hold what a Kubernetes label may not.
      annotations: { ...labels, ...annotations },
    },
    spec: {
      template: {
        metadata: {
          labels: {
            faas_function: name,
            // So that what a cluster allows to all others is not allowed to those that say what they reach.
            ...(annotations[EGRESS] !== undefined && { 'lares.dev/egress': 'declared' }),
          },
          annotations: {
            ...scalingAnnotations(deployment, how),
            ...(environment && { [ENVIRONMENT_DIGEST]: environment.digest }),
            ...(content && !isImage(content) && { [CONTENT]: content }),
          },
        },
        spec: podOf(deployment, how),
      },
    },
  }
}

/** https://knative.dev/docs/serving/autoscaling/ */
function scalingAnnotations(deployment: Deployment, { minScale }: How): Record<string, string> {
  const scaling = policyOf(deployment)
  const { min, max, zero, zeroAfterMs, proportion } = scaling
  if (zero && zeroAfterMs > LONGEST_IDLE_MS)
    throw new LaresError(
      'invalid_request',
      `${deployment.name}: Knative keeps the last replica for an hour at most; set scale.zero-duration to 1h or less`,
    )
  const least = minScale ?? (zero ? 0 : min)
  return prefixed({
    'min-scale': String(least),
    'max-scale': String(Math.max(max, least)),
    ...targetOf(deployment, scaling),
    'target-utilization-percentage': String(Math.round(proportion * 100)),
    ...(zero && idleAnnotations(zeroAfterMs)),
  })
}

/** A replica without requests goes when the window has passed without any, and then the time for which it is retained. */
function idleAnnotations(zeroAfterMs: number): Record<string, string> {
  const windowMs = Math.min(Math.max(zeroAfterMs, SHORTEST_WINDOW_MS), WINDOW_MS)
  const seconds = (ms: number) => `${Math.ceil(ms / 1_000)}s`
  return {
    ...(windowMs < WINDOW_MS && { window: seconds(windowMs) }),
    'scale-to-zero-pod-retention-period': seconds(Math.max(0, zeroAfterMs - windowMs)),
  }
}

function targetOf(deployment: Deployment, { type, target }: Scaling): Record<string, string> {
  if (type === 'rps') return { metric: 'rps', target: String(target) }
  if (type === 'capacity') return { metric: 'concurrency', target: String(target) }
  const { name, requests } = deployment
  if (type === 'queue')
    throw new LaresError(
      'invalid_request',
      `${name}: Knative does not scale by waiting events; use KEDA's Kafka scaler, or scale.type capacity`,
    )
  if (requests.cpu === undefined)
    throw new LaresError(
      'invalid_request',
      `${name}: scale.type cpu is a part of requests.cpu on Knative; set it`,
    )
  const percent = (target / (quantityOf(requests.cpu, `${name}: requests.cpu`) * 1_000)) * 100
  return { class: `hpa.${AUTOSCALING}`, metric: 'cpu', target: String(Math.round(percent)) }
}

const prefixed = (annotations: Record<string, string>) =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${AUTOSCALING}/${key}`, value]))

function podOf(deployment: Pinned, { environment: everyones }: How): object {
  const { image, content, environment, secrets, limits, requests, readOnly } = deployment
  const { gpus = 0 } = limitsOf(deployment)
  const { [GPU]: _, ...plain } = limits
  return {
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    ...placementOf(deployment, gpus),
    containers: [
      {
        name: 'function',
        image: content && isImage(content) ? content : image,
        ports: [{ name: 'http1', containerPort: 8080 }],
        env: [...Object.entries({ ...environment, LARES_SECRETS: SECRETS, HOST: '0.0.0.0' })].map(
          ([name, value]) => ({ name, value }),
        ),
        // What the function sets itself goes before it.
        ...(everyones && { envFrom: [{ secretRef: { name: everyones.secret } }] }),
        resources: { limits: { ...plain, ...(gpus > 0 && { [GPU]: String(gpus) }) }, requests },
        readinessProbe: { httpGet: { path: '/_/ready' } },
        livenessProbe: { httpGet: { path: '/_/health' } },
        securityContext: {
          readOnlyRootFilesystem: readOnly,
          allowPrivilegeEscalation: false,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
        volumeMounts: [
          { name: 'tmp', mountPath: '/tmp' },
          ...(secrets.length > 0 ? [{ name: 'secrets', mountPath: SECRETS, readOnly: true }] : []),
        ],
      },
    ],
    volumes: [
      // The one place that a function may write to, as on Docker.
      { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
      ...(secrets.length > 0
        ? [{ name: 'secrets', projected: { sources: secrets.map(name => ({ secret: { name } })) } }]
        : []),
    ],
  }
}

/** Equal constraints select nodes, unequal ones keep off them; a node with a GPU is tainted, so who asks for one tolerates that. */
function placementOf({ constraints }: Deployment, gpus: number): object {
  const all = constraints.map(constraintOf)
  const selector = Object.fromEntries(all.filter(({ equal }) => equal).map(({ key, value }) => [key, value]))
  const unequal = all.filter(({ equal }) => !equal)
  const matchExpressions = unequal.map(({ key, value }) => ({ key, operator: 'NotIn', values: [value] }))
  return {
    ...(Object.keys(selector).length > 0 && { nodeSelector: selector }),
    ...(unequal.length > 0 && {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
        },
      },
    }),
    ...(gpus > 0 && { tolerations: [{ key: GPU, operator: 'Exists', effect: 'NoSchedule' }] }),
  }
}

/** Undefined for a function that does not say what it reaches: it is as free as its namespace lets it be. */
function networkPolicyOf(deployment: Deployment): KubernetesObject | undefined {
  const { name, namespace } = deployment
  const egress = egressOf(deployment)
  if (!egress) return undefined
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `${name}-egress`, namespace, labels: PART_OF },
    spec: {
      podSelector: { matchLabels: { 'serving.knative.dev/service': name } },
      policyTypes: ['Egress'],
      egress,
    },
  }
}
