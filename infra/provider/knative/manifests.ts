import { LaresError } from '../../../shared/base/errors.ts'
import { type Deployment, limitsOf, parseConstraint, scalingPolicyOf } from '../deployment.ts'
import { EGRESS_ANNOTATION, parseEgressRules } from '../egress.ts'
import { parseQuantity } from '../quantity.ts'
import type { ScalingPolicy } from '../scaling/scaling.ts'

/** A Kubernetes object as `kubectl apply` takes it. */
export type KubernetesObject = { apiVersion: string; kind: string; metadata: object; spec: object }

export const PART_OF_LABELS = { 'app.kubernetes.io/part-of': 'lares' }
const AUTOSCALING_PREFIX = 'autoscaling.knative.dev'
/** The folder in which of-watchdog and OpenFaaS's templates look for secrets. */
const SECRETS_PATH = '/var/openfaas/secrets'
const GPU_RESOURCE = 'nvidia.com/gpu'
/** https://knative.dev/docs/serving/autoscaling/scale-to-zero/ */
const MAX_IDLE_MS = 60 * 60_000
/** Knative's default window for the mean of requests. A replica counts as idle only when the mean over it is zero. */
const STABLE_WINDOW_MS = 60_000
const MIN_STABLE_WINDOW_MS = 6_000

export type ManifestOptions = {
  /** Overrides the labels. */
  minScale?: number
  /** The Secret with the environment of all functions. A changed `digest` creates a new revision. */
  environment?: { secret: string; digest: string } | undefined
}

/**
 * `content`: the image's digest at the deployment, as NAME@sha256:…, or else a value that distinguishes this deployment
 * from others.
 */
export type PinnedDeployment = Deployment & { content?: string }
const CONTENT_ANNOTATION = 'com.lares.content'
const isImageReference = (content: string): boolean => content.includes('@')

/** An annotation of the template: the digest of its environment when it was applied. */
export const ENVIRONMENT_DIGEST_ANNOTATION = 'com.lares.environment'

/**
 * A function as Knative runs it: a Service with autoscaling annotations on the template, where Knative reads them, and
 * the network policy for its egress. Errors: `invalid_request` for requests that Knative cannot fulfil.
 */
export function buildKubernetesObjects(
  deployment: PinnedDeployment,
  options: ManifestOptions = {},
): KubernetesObject[] {
  const policy = buildNetworkPolicy(deployment)
  return [buildService(deployment, options), ...(policy ? [policy] : [])]
}

function buildService(deployment: PinnedDeployment, options: ManifestOptions): KubernetesObject {
  const { environment } = options
  const { name, namespace, labels, annotations, content } = deployment
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      labels: { ...PART_OF_LABELS, faas_function: name },
      // OpenFaaS's labels may contain values that a Kubernetes label cannot.
      annotations: { ...labels, ...annotations },
    },
    spec: {
      template: {
        metadata: {
          labels: {
            faas_function: name,
            // Excludes functions that declare their egress from the traffic that a cluster allows to all others.
            ...(annotations[EGRESS_ANNOTATION] !== undefined && { 'lares.dev/egress': 'declared' }),
          },
          annotations: {
            ...scalingAnnotations(deployment, options),
            ...(environment && { [ENVIRONMENT_DIGEST_ANNOTATION]: environment.digest }),
            ...(content && !isImageReference(content) && { [CONTENT_ANNOTATION]: content }),
          },
        },
        spec: buildPodSpec(deployment, options),
      },
    },
  }
}

/** https://knative.dev/docs/serving/autoscaling/ */
function scalingAnnotations(deployment: Deployment, { minScale }: ManifestOptions): Record<string, string> {
  const scaling = scalingPolicyOf(deployment)
  const { min, max, zero, zeroAfterMs, proportion } = scaling
  if (zero && zeroAfterMs > MAX_IDLE_MS)
    throw new LaresError(
      'invalid_request',
      `${deployment.name}: Knative keeps the last replica for an hour at most; set scale.zero-duration to 1h or less`,
    )
  const minReplicas = minScale ?? (zero ? 0 : min)
  return withAutoscalingPrefix({
    'min-scale': String(minReplicas),
    'max-scale': String(Math.max(max, minReplicas)),
    ...targetAnnotations(deployment, scaling),
    'target-utilization-percentage': String(Math.round(proportion * 100)),
    ...(zero && idleAnnotations(zeroAfterMs)),
  })
}

/** Knative removes an idle replica after the window without requests and the retention period. */
function idleAnnotations(zeroAfterMs: number): Record<string, string> {
  const windowMs = Math.min(Math.max(zeroAfterMs, MIN_STABLE_WINDOW_MS), STABLE_WINDOW_MS)
  const seconds = (ms: number) => `${Math.ceil(ms / 1_000)}s`
  return {
    ...(windowMs < STABLE_WINDOW_MS && { window: seconds(windowMs) }),
    'scale-to-zero-pod-retention-period': seconds(Math.max(0, zeroAfterMs - windowMs)),
  }
}

function targetAnnotations(deployment: Deployment, { type, target }: ScalingPolicy): Record<string, string> {
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
  const percent = (target / (parseQuantity(requests.cpu, `${name}: requests.cpu`) * 1_000)) * 100
  return { class: `hpa.${AUTOSCALING_PREFIX}`, metric: 'cpu', target: String(Math.round(percent)) }
}

const withAutoscalingPrefix = (annotations: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [`${AUTOSCALING_PREFIX}/${key}`, value]),
  )

function buildPodSpec(
  deployment: PinnedDeployment,
  { environment: sharedEnvironment }: ManifestOptions,
): object {
  const { image, content, environment, secrets, limits, requests, readOnly } = deployment
  const { gpus = 0 } = limitsOf(deployment)
  const { [GPU_RESOURCE]: _, ...limitsWithoutGpu } = limits
  return {
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    ...buildScheduling(deployment, gpus),
    containers: [
      {
        name: 'function',
        image: content && isImageReference(content) ? content : image,
        ports: [{ name: 'http1', containerPort: 8080 }],
        env: [...Object.entries({ ...environment, LARES_SECRETS: SECRETS_PATH, HOST: '0.0.0.0' })].map(
          ([name, value]) => ({ name, value }),
        ),
        // Variables that the function sets itself take precedence.
        ...(sharedEnvironment && { envFrom: [{ secretRef: { name: sharedEnvironment.secret } }] }),
        resources: {
          limits: { ...limitsWithoutGpu, ...(gpus > 0 && { [GPU_RESOURCE]: String(gpus) }) },
          requests,
        },
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
          ...(secrets.length > 0 ? [{ name: 'secrets', mountPath: SECRETS_PATH, readOnly: true }] : []),
        ],
      },
    ],
    volumes: [
      // The only place that a function may write to, as on Docker.
      { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
      ...(secrets.length > 0
        ? [{ name: 'secrets', projected: { sources: secrets.map(name => ({ secret: { name } })) } }]
        : []),
    ],
  }
}

/**
 * Equal constraints select nodes, unequal ones exclude them. A node with a GPU has a taint, so a function that asks for
 * a GPU tolerates it.
 */
function buildScheduling({ constraints }: Deployment, gpus: number): object {
  const all = constraints.map(parseConstraint)
  const nodeSelector = Object.fromEntries(
    all.filter(({ equal }) => equal).map(({ key, value }) => [key, value]),
  )
  const unequal = all.filter(({ equal }) => !equal)
  const matchExpressions = unequal.map(({ key, value }) => ({ key, operator: 'NotIn', values: [value] }))
  return {
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(unequal.length > 0 && {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
        },
      },
    }),
    ...(gpus > 0 && { tolerations: [{ key: GPU_RESOURCE, operator: 'Exists', effect: 'NoSchedule' }] }),
  }
}

/** Undefined for a function that does not declare its egress. Then only the namespace's policies restrict it. */
function buildNetworkPolicy(deployment: Deployment): KubernetesObject | undefined {
  const { name, namespace } = deployment
  const egress = parseEgressRules(deployment)
  if (!egress) return undefined
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `${name}-egress`, namespace, labels: PART_OF_LABELS },
    spec: {
      podSelector: { matchLabels: { 'serving.knative.dev/service': name } },
      policyTypes: ['Egress'],
      egress,
    },
  }
}
