import { isDeepStrictEqual } from 'node:util'
import { request } from 'undici'
import { LaresError } from '../../../shared/base/errors.ts'
import { openKeyedMutex } from '../../../shared/base/keyed-mutex.ts'
import { type Manifest, manifestSchema } from '../../../shared/contract/catalogue.ts'
import { isInActiveHours, parseActiveHours } from '../active-hours.ts'
import type { Activity, Backend, DeployedFunction, Lease } from '../backend.ts'
import { canonicalJson, type Deployment, limitsOf, NAMESPACE, scalingPolicyOf } from '../deployment.ts'
import { pinToDigest } from '../docker/image-registry.ts'
import { parseImageName } from '../image-name.ts'
import type { Cluster, PartialObject, Pod, Service, StoredObject } from './cluster.ts'
import { applyEnvironmentSecret } from './environment-secret.ts'
import { readKnativeLogs } from './logs.ts'
import {
  buildKubernetesObjects,
  ENVIRONMENT_DIGEST_ANNOTATION,
  type KubernetesObject,
  PART_OF_LABELS,
  type PinnedDeployment,
} from './manifests.ts'
import { type ClusterFeatures, readClusterFeatures, unmetRequirements } from './requirements.ts'
import { watchRevisions } from './revisions.ts'
import { type CapacityPolicy, createChangeSignal, openRollout, type RolloutSettings } from './rollout.ts'
import { openKnativeSecrets } from './secrets.ts'
import { conditionOf, isReady, originOf } from './status.ts'

const LABEL_SELECTOR = 'app.kubernetes.io/part-of=lares'
/** What the provider itself needs to know again after a restart; Knative passes them over. */
const DEPLOYMENT_ANNOTATION = 'com.lares.deployment'
const MANIFEST_ANNOTATION = 'com.lares.manifest'
/** The deployment that answered last. It differs from the one asked for while that comes up, and after a crash then. */
const LAST_READY_ANNOTATION = 'com.lares.answered'
/** A second owner, so that what a function tells of itself outlives the next apply. */
const MANIFEST_FIELD_MANAGER = 'lares-manifest'
const MANIFEST_TIMEOUT_MS = 10_000

export type KnativeOptions = RolloutSettings & {
  cluster: Cluster
  /** What every function's environment has; default nothing. */
  environment?: Record<string, string>
  /** How often active hours and what the cluster offers are looked at; default a minute. */
  reconcileIntervalMs?: number
}

/**
 * A Knative Service for each function. Knative scales, keeps the old version until the new one answers, and wakes; this
 * applies what is asked for, waits for what comes of it, and takes back what does not start.
 */
export async function openKnativeBackend(options: KnativeOptions): Promise<Backend> {
  const { cluster, log, now = Date.now, reconcileIntervalMs = 60_000 } = options
  const activities = new Map<string, Activity>()
  const mutex = openKeyedMutex()
  const changes = createChangeSignal()
  const { onChange } = changes
  const [services, pods, revisions] = await Promise.all([
    cluster.watch<Service>(
      { apiVersion: 'serving.knative.dev/v1', kind: 'Service', plural: 'services', labels: LABEL_SELECTOR },
      onChange,
    ),
    cluster.watch<Pod>({ apiVersion: 'v1', kind: 'Pod', plural: 'pods', labels: 'faas_function' }, onChange),
    watchRevisions(cluster, onChange),
  ])
  let clusterFeatures: ClusterFeatures = await readClusterFeatures(cluster)
  const environment = await applyEnvironmentSecret(cluster, options.environment ?? {})

  const find = (name: string) => services.all().find(({ metadata }) => metadata.name === name)
  const known = (name: string): Service => {
    const service = find(name)
    if (service?.metadata.annotations?.[DEPLOYMENT_ANNOTATION] !== undefined) return service
    throw new LaresError('not_found', `no function "${name}" is deployed; faas-cli list shows those that are`)
  }
  const podsOf = (name: string) =>
    pods.all().filter(({ metadata }) => metadata.labels?.faas_function === name)
  const rollout = openRollout({ ...options, find, podsOf, revisions, changes })
  const activityOf = (name: string): Activity => {
    const one = activities.get(name) ?? { inFlight: 0, completed: 0, waiting: 0, lastUsedAt: now() }
    activities.set(name, one)
    return one
  }

  /** Inside active hours one replica stays, outside it may go, whatever the labels say of the rest of the day. */
  const desiredMinScale = (deployment: Deployment): number => {
    const { min, zero } = scalingPolicyOf(deployment)
    const activeHours = parseActiveHours(deployment.annotations)
    if (!activeHours) return zero ? 0 : min
    return isInActiveHours(activeHours, now()) ? Math.max(1, min) : 0
  }
  /**
   * With what its image stands for now, so that an image pushed anew under the same name is a change, and one that is
   * taken back is the one that ran. Where the registry cannot be asked, `latest` is taken for a change each time, and any
   * other tag for what it stood for `before`.
   */
  const pinImage = async (
    deployment: Deployment,
    previous: PinnedDeployment | undefined,
  ): Promise<PinnedDeployment> => {
    const { image } = deployment
    const known = previous?.image === image ? previous.content : undefined
    const fallbackContent = () =>
      parseImageName(image).tag === 'latest' ? new Date(now()).toISOString() : known
    const content = (await pinToDigest(image)) ?? fallbackContent()
    return content === undefined ? deployment : { ...deployment, content }
  }
  const buildObjects = (deployment: PinnedDeployment, minScale?: number) => {
    const [service, ...others] = buildKubernetesObjects(deployment, {
      ...(minScale !== undefined && { minScale }),
      environment,
    })
    const { metadata } = service as { metadata: { annotations: Record<string, string> } }
    const annotations = { ...metadata.annotations, [DEPLOYMENT_ANNOTATION]: canonicalJson(deployment) }
    return { service: { ...service!, metadata: { ...metadata, annotations } }, others }
  }

  async function deploy(requested: Deployment): Promise<boolean> {
    const { name, namespace } = requested
    if (namespace !== NAMESPACE)
      throw new LaresError(
        'invalid_request',
        `${name}: there is no namespace "${namespace}", only ${NAMESPACE}`,
      )
    await checkSecrets(requested)
    const previous = await readOwned(serviceReference(name), isDeployedHere)
    const deployment = await pinImage(requested, previous && deploymentIn(previous))
    const { service, others } = buildObjects(deployment)
    if (others.length > 0) await readOwned(policyReference(name), isOwnedByLares)
    // All of it is tried first: a policy that is refused must not leave a Service behind.
    for (const object of others) await cluster.apply(object, { dryRun: true })
    const dryRunResult = await cluster.apply(service, { dryRun: true })
    for (const object of others) await cluster.apply(object)
    if (others.length === 0) await removePolicy(name)
    // Applied once more a custom resource is written anew, if only to note the time.
    const isChanged = previous === undefined || !isSame(previous, dryRunResult)
    if (!isChanged && isReady(previous)) return false
    const applied = isChanged ? await cluster.apply(service) : previous
    await rollOut(deployment, applied, previous && { deployment: deploymentIn(previous), service: previous })
    return isChanged
  }

  type Previous = { deployment: PinnedDeployment; service: Service }

  /** Ends with the deployment answering, or with `previous` as it was. Errors: `invalid_request` with the reason. */
  async function rollOut(
    deployment: PinnedDeployment,
    applied: StoredObject,
    previous?: Previous,
  ): Promise<void> {
    const { name } = deployment
    await rollout
      .awaitReady(name, applied, capacityPolicyOf(deployment, previous !== undefined))
      .catch(async cause => {
        // What becomes of it is Knative's to say, and the next start's.
        if (rollout.isAborted()) throw cause
        await rollback(name, previous)
        const reason = `${(cause as Error).message}${requirementHints(buildObjects(deployment).service)}`
        throw new LaresError('invalid_request', `${name} does not start: ${reason}`, { cause })
      })
    await setMinScale(known(name), desiredMinScale(deployment))
    await saveManifest(deployment)
    log.info({ function: name, generation: applied.metadata.generation }, `${name} is deployed`)
  }

  /** A change of the spec has a new generation. */
  const isSame = ({ metadata: a }: StoredObject, { metadata: b }: StoredObject): boolean =>
    a.generation === b.generation && isDeepStrictEqual([a.labels, a.annotations], [b.labels, b.annotations])

  /**
   * As the cluster has it now; undefined when there is none. Errors: `invalid_request` when it is somebody else's.
   */
  async function readOwned(
    object: PartialObject,
    isOwned: (stored: StoredObject) => boolean,
  ): Promise<Service | undefined> {
    const stored = await cluster.read<Service>(object).catch(error => {
      if ((error as LaresError).code !== 'not_found') throw error
    })
    if (!stored || isOwned(stored)) return stored ?? undefined
    throw new LaresError(
      'invalid_request',
      `there is a ${object.kind} ${stored.metadata.name} that was not deployed here: remove it, or choose another name`,
    )
  }
  const isDeployedHere = ({ metadata }: StoredObject) =>
    metadata.annotations?.[DEPLOYMENT_ANNOTATION] !== undefined
  const isOwnedByLares = ({ metadata }: StoredObject) =>
    Object.entries(PART_OF_LABELS).every(([key, value]) => metadata.labels?.[key] === value)

  const deploymentIn = ({ metadata }: StoredObject): PinnedDeployment =>
    JSON.parse(metadata.annotations![DEPLOYMENT_ANNOTATION]!)

  /** What holds a GPU may have to make room for its next version, which only a cluster that has another can start beside it. */
  const capacityPolicyOf = (deployment: PinnedDeployment, isUpdate: boolean): CapacityPolicy => {
    if (unmetRequirements(buildObjects(deployment).service, clusterFeatures).length > 0) return 'none'
    return isUpdate && limitsOf(deployment).gpus !== undefined ? 'made' : 'waited for'
  }
  const requirementHints = (service: KubernetesObject): string =>
    unmetRequirements(service, clusterFeatures)
      .map(text => `; ${text}`)
      .join('')

  async function checkSecrets({ name, secrets }: Deployment): Promise<void> {
    if (secrets.length === 0) return
    const existing = await openKnativeSecrets(cluster).list()
    const missing = secrets.filter(secret => !existing.includes(secret))
    if (missing.length > 0)
      throw new LaresError(
        'invalid_request',
        `${name}: no secret "${missing.join('", "')}"; faas-cli secret create makes one`,
      )
  }

  /** What ran before has gone on answering meanwhile: Knative moves requests only to a revision that is ready. */
  async function rollback(name: string, previous: Previous | undefined): Promise<void> {
    if (!previous) return await removeObjects(name)
    const failed = find(name)
    const { service, others } = buildObjects(previous.deployment, revisions.minScale(previous.service))
    for (const object of [...others, service]) await cluster.apply(object)
    if (failed) await rollout.removeFailedRevision(failed)
    if (others.length === 0) await removePolicy(name)
  }

  async function saveManifest(deployment: PinnedDeployment): Promise<void> {
    const { name } = deployment
    const reportedManifest = await fetchManifest(originOf(known(name)))
    const { apiVersion, kind } = serviceReference(name)
    const annotations = {
      [LAST_READY_ANNOTATION]: canonicalJson(deployment),
      ...(reportedManifest && { [MANIFEST_ANNOTATION]: JSON.stringify(reportedManifest) }),
    }
    await cluster.apply(
      { apiVersion, kind, metadata: { name, namespace: cluster.namespace, annotations } },
      { manager: MANIFEST_FIELD_MANAGER },
    )
  }

  const serviceReference = (name: string): PartialObject => ({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace: cluster.namespace },
  })
  const policyReference = (name: string): PartialObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `${name}-egress`, namespace: cluster.namespace },
  })
  async function removePolicy(name: string): Promise<void> {
    const policy = await readOwned(policyReference(name), isOwnedByLares).catch(() => undefined)
    if (policy) await cluster.remove(policyReference(name))
  }
  async function removeObjects(name: string): Promise<void> {
    await cluster.remove(serviceReference(name))
    await removePolicy(name)
    // The next request must not find it in what is followed.
    while (find(name)) await changes.nextChange(1_000)
  }

  function describe(service: Service): DeployedFunction {
    const { name, annotations = {}, creationTimestamp } = service.metadata
    const deployment = deploymentIn(service)
    const servingPods = revisions.servingPodsOf(service, podsOf(name))
    const available = servingPods.filter(pod => conditionOf(pod, 'Ready')?.status === 'True').length
    const ready = conditionOf(service, 'Ready')
    return {
      deployment,
      createdAt: creationTimestamp ? new Date(creationTimestamp).getTime() : now(),
      manifest: parseManifest(annotations[MANIFEST_ANNOTATION]),
      replicas: Math.max(revisions.minScale(service), servingPods.length),
      availableReplicas: available,
      activity: activityOf(name),
      notices: [
        ...(ready?.status === 'False' ? [`Knative: ${ready.message ?? ready.reason}`] : []),
        ...unmetRequirements(buildObjects(deployment).service, clusterFeatures),
      ],
    }
  }

  function acquire(name: string): Lease {
    const origin = originOf(known(name))
    if (origin === undefined)
      throw new LaresError('unavailable', `Knative has given ${name} no address yet`, { retryAfterMs: 1_000 })
    const activity = activityOf(name)
    activity.inFlight++
    return {
      origin,
      release() {
        activity.inFlight--
        activity.completed++
        activity.lastUsedAt = now()
      },
    }
  }

  const functionServices = () =>
    services
      .all()
      .filter(({ metadata }) => metadata.annotations?.[DEPLOYMENT_ANNOTATION] !== undefined)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const setMinScale = async (service: Service, replicas: number) => {
    if (revisions.minScale(service) !== replicas) await revisions.scale(service, replicas)
  }
  const reconcile = async () => {
    clusterFeatures = await readClusterFeatures(cluster)
    for (const service of functionServices()) {
      const deployment = deploymentIn(service)
      const { name } = deployment
      const desired = desiredMinScale(deployment)
      if (!parseActiveHours(deployment.annotations) || desired === revisions.minScale(service)) continue
      log.info(
        { function: name, minScale: desired },
        `${name} ${desired === 0 ? 'may sleep' : 'stays awake'}`,
      )
      await mutex
        .run(name, () => setMinScale(known(name), desired))
        .catch(err => log.warn({ err, function: name }, `${name} has its old replicas until the next look`))
    }
  }
  /** A password that was changed, another database: functions learn of it with a new revision. */
  const refreshEnvironment = async () => {
    const digestIn = ({ spec }: Service) =>
      spec.template.metadata?.annotations?.[ENVIRONMENT_DIGEST_ANNOTATION]
    for (const { metadata } of functionServices().filter(one => digestIn(one) !== environment?.digest))
      await mutex
        .run(metadata.name, async () => {
          // Removed meanwhile, it must not come back.
          const service = find(metadata.name)
          if (!service) return
          const deployment = deploymentIn(service)
          const applied = await cluster.apply(buildObjects(deployment, revisions.minScale(service)).service)
          await rollout.awaitReady(deployment.name, applied, capacityPolicyOf(deployment, true))
        })
        .catch(err => log.warn({ err }, `${metadata.name} keeps the environment that it had`))
  }
  /** A deployment that a crash cut short ends as it would have ended: it answers, or what ran before it is put back. */
  const resumeInterrupted = async (service: Service): Promise<void> => {
    const deployment = deploymentIn(service)
    const { name } = deployment
    const lastReady = service.metadata.annotations?.[LAST_READY_ANNOTATION]
    const previous = lastReady === undefined ? undefined : { deployment: JSON.parse(lastReady), service }
    // Of a provider that did not write down yet what answered.
    const isLegacy = previous === undefined && service.status?.latestReadyRevisionName !== undefined
    if (isLegacy) return isReady(service) ? await saveManifest(deployment) : undefined
    log.info({ function: name }, `the deployment of ${name} was cut short and goes on`)
    await rollOut(deployment, service, previous).catch(err =>
      log.warn({ err, function: name }, `what was deployed of ${name} is taken back`),
    )
  }
  const resumeAllInterrupted = () =>
    Promise.all(
      functionServices()
        .filter(
          service =>
            service.metadata.annotations?.[LAST_READY_ANNOTATION] !==
            service.metadata.annotations?.[DEPLOYMENT_ANNOTATION],
        )
        .map(({ metadata: { name } }) =>
          mutex.run(name, async () => {
            const service = find(name)
            if (service && isDeployedHere(service)) await resumeInterrupted(service)
          }),
        ),
    )
  let reconciling: Promise<unknown> = Promise.all([
    resumeAllInterrupted().catch(err =>
      log.warn({ err }, 'deployments that were cut short stay as they are'),
    ),
    refreshEnvironment().catch(err => log.warn({ err }, 'functions keep the environment they had')),
  ])
  const timer = setInterval(() => {
    reconciling = reconciling
      .then(reconcile)
      .catch(err => log.warn({ err }, 'the cluster could not be looked at'))
  }, reconcileIntervalMs)

  return {
    name: 'knative',
    scaledBy: 'backend',
    list: () => functionServices().map(describe),
    get: name => describe(known(name)),
    deploy: deployment => mutex.run(deployment.name, () => deploy(deployment)),
    remove: name =>
      mutex.run(name, async () => {
        known(name)
        await removeObjects(name)
        activities.delete(name)
        log.info({ function: name }, `${name} is removed`)
      }),
    scale: (name, replicas) => mutex.run(name, () => setMinScale(known(name), replicas)),
    acquire,
    // Only metrics-server could tell, and only what is used at the moment.
    usage: async () => undefined,
    secrets: openKnativeSecrets(cluster),
    logs(query, signal) {
      known(query.name)
      return readKnativeLogs(cluster, podsOf, query, signal)
    },
    abortRollouts: rollout.abort,
    async close({ stopFunctions }) {
      clearInterval(timer)
      rollout.abort()
      await reconciling
      await mutex.settled()
      if (stopFunctions)
        await Promise.all(functionServices().map(({ metadata }) => removeObjects(metadata.name)))
      await cluster.close()
    },
  }
}

async function fetchManifest(origin: string | undefined): Promise<Manifest | undefined> {
  if (origin === undefined) return undefined
  const answer = await request(`${origin}/_/manifest`, { headersTimeout: MANIFEST_TIMEOUT_MS }).catch(
    () => undefined,
  )
  const body = await answer?.body.json().catch(() => undefined)
  return manifestSchema.safeParse(body).data
}

function parseManifest(text: string | undefined): Manifest | undefined {
  return text === undefined ? undefined : manifestSchema.safeParse(JSON.parse(text)).data
}
