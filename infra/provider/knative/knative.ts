import { isDeepStrictEqual } from 'node:util'
import { request } from 'undici'
import { LaresError } from '../../../shared/base/errors.ts'
import { openInTurn } from '../../../shared/base/keyed-mutex.ts'
import { type Manifest, manifest } from '../../../shared/contract/catalogue.ts'
import { activeHoursOf, isActive } from '../active-hours.ts'
import type { Activity, Backend, DeployedFunction, Lease } from '../backend.ts'
import { canonical, type Deployment, limitsOf, NAMESPACE, policyOf } from '../deployment.ts'
import { pinned } from '../docker/image-registry.ts'
import { imageNameOf } from '../image-name.ts'
import type { Applied, Cluster, Pod, Service, Stored } from './cluster.ts'
import { keepEnvironment } from './environment-secret.ts'
import { knativeLogs } from './logs.ts'
import { ENVIRONMENT_DIGEST, type KubernetesObject, manifestsOf, PART_OF, type Pinned } from './manifests.ts'
import { type Facilities, facilitiesOf, lacking } from './requirements.ts'
import { followRevisions } from './revisions.ts'
import { openChanges, openRollout, type RolloutLimits, type Room } from './rollout.ts'
import { knativeSecrets } from './secrets.ts'
import { conditionOf, isReady, originOf } from './status.ts'

const LABELS = 'app.kubernetes.io/part-of=lares'
/** What the provider itself needs to know again after a restart; Knative passes them over. */
const DEPLOYMENT = 'com.lares.deployment'
const MANIFEST = 'com.lares.manifest'
/** The deployment that answered last. It differs from the one asked for while that comes up, and after a crash then. */
const ANSWERED = 'com.lares.answered'
/** A second owner, so that what a function tells of itself outlives the next apply. */
const MANIFEST_MANAGER = 'lares-manifest'
const MANIFEST_LIMIT_MS = 10_000

export type KnativeOptions = RolloutLimits & {
  cluster: Cluster
  /** What every function's environment has; default nothing. */
  environment?: Record<string, string>
  /** How often active hours and what the cluster offers are looked at; default a minute. */
  lookEveryMs?: number
}

/**
 * A Knative Service for each function. Knative scales, keeps the old version until the new one answers, and wakes; this
 * applies what is asked for, waits for what comes of it, and takes back what does not start.
 */
export async function openKnative(options: KnativeOptions): Promise<Backend> {
  const { cluster, log, now = Date.now, lookEveryMs = 60_000 } = options
  const activities = new Map<string, Activity>()
  const order = openInTurn()
  const changes = openChanges()
  const { onChange } = changes
  const [services, pods, revisions] = await Promise.all([
    cluster.follow<Service>(
      { apiVersion: 'serving.knative.dev/v1', kind: 'Service', plural: 'services', labels: LABELS },
      onChange,
    ),
    cluster.follow<Pod>({ apiVersion: 'v1', kind: 'Pod', plural: 'pods', labels: 'faas_function' }, onChange),
    followRevisions(cluster, onChange),
  ])
  let facilities: Facilities = await facilitiesOf(cluster)
  const environment = await keepEnvironment(cluster, options.environment ?? {})

  const find = (name: string) => services.all().find(({ metadata }) => metadata.name === name)
  const known = (name: string): Service => {
    const service = find(name)
    if (service?.metadata.annotations?.[DEPLOYMENT] !== undefined) return service
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
  const minScaleOf = (deployment: Deployment): number => {
    const { min, zero } = policyOf(deployment)
    const hours = activeHoursOf(deployment.annotations)
    if (!hours) return zero ? 0 : min
    return isActive(hours, now()) ? Math.max(1, min) : 0
  }
  /**
   * With what its image stands for now, so that an image pushed anew under the same name is a change, and one that is
   * taken back is the one that ran. Where the registry cannot be asked, `latest` is taken for a change each time, and any
   * other tag for what it stood for `before`.
   */
  const pin = async (deployment: Deployment, before: Pinned | undefined): Promise<Pinned> => {
    const { image } = deployment
    const known = before?.image === image ? before.content : undefined
    const unasked = () => (imageNameOf(image).tag === 'latest' ? new Date(now()).toISOString() : known)
    const content = (await pinned(image)) ?? unasked()
    return content === undefined ? deployment : { ...deployment, content }
  }
  const objectsOf = (deployment: Pinned, minScale?: number) => {
    const [service, ...others] = manifestsOf(deployment, {
      ...(minScale !== undefined && { minScale }),
      environment,
    })
    const { metadata } = service as { metadata: { annotations: Record<string, string> } }
    const annotations = { ...metadata.annotations, [DEPLOYMENT]: canonical(deployment) }
    return { service: { ...service!, metadata: { ...metadata, annotations } }, others }
  }

  async function deploy(asked: Deployment): Promise<boolean> {
    const { name, namespace } = asked
    if (namespace !== NAMESPACE)
      throw new LaresError(
        'invalid_request',
        `${name}: there is no namespace "${namespace}", only ${NAMESPACE}`,
      )
    await checkSecrets(asked)
    const before = await own(serviceOfName(name), isDeployedHere)
    const deployment = await pin(asked, before && deploymentIn(before))
    const { service, others } = objectsOf(deployment)
    if (others.length > 0) await own(policyOfName(name), isOurs)
    // All of it is tried first: a policy that is refused must not leave a Service behind.
    for (const object of others) await cluster.apply(object, { dryRun: true })
    const tried = await cluster.apply(service, { dryRun: true })
    for (const object of others) await cluster.apply(object)
    if (others.length === 0) await removePolicy(name)
    // Applied once more a custom resource is written anew, if only to note the time.
    const isChanged = before === undefined || !isSame(before, tried)
    if (!isChanged && isReady(before)) return false
    const applied = isChanged ? await cluster.apply(service) : before
    await bringUp(deployment, applied, before && { deployment: deploymentIn(before), service: before })
    return isChanged
  }

  type Previous = { deployment: Pinned; service: Service }

  /** Ends with the deployment answering, or with `previous` as it was. Errors: `invalid_request` with the reason. */
  async function bringUp(deployment: Pinned, applied: Stored, previous?: Previous): Promise<void> {
    const { name } = deployment
    await rollout.up(name, applied, roomOf(deployment, previous !== undefined)).catch(async cause => {
      // What becomes of it is Knative's to say, and the next start's.
      if (rollout.isEnding()) throw cause
      await takeBack(name, previous)
      const reason = `${(cause as Error).message}${advice(objectsOf(deployment).service)}`
      throw new LaresError('invalid_request', `${name} does not start: ${reason}`, { cause })
    })
    await keepAwake(known(name), minScaleOf(deployment))
    await keepTold(deployment)
    log.info({ function: name, generation: applied.metadata.generation }, `${name} is deployed`)
  }

  /** A change of the spec has a new generation. */
  const isSame = ({ metadata: a }: Stored, { metadata: b }: Stored): boolean =>
    a.generation === b.generation && isDeepStrictEqual([a.labels, a.annotations], [b.labels, b.annotations])

  /**
   * As the cluster has it now; undefined when there is none. Errors: `invalid_request` when it is somebody else's.
   */
  async function own(object: Applied, isOwn: (stored: Stored) => boolean): Promise<Service | undefined> {
    const stored = await cluster.read<Service>(object).catch(error => {
      if ((error as LaresError).code !== 'not_found') throw error
    })
    if (!stored || isOwn(stored)) return stored ?? undefined
    throw new LaresError(
      'invalid_request',
      `there is a ${object.kind} ${stored.metadata.name} that was not deployed here: remove it, or choose another name`,
    )
  }
  const isDeployedHere = ({ metadata }: Stored) => metadata.annotations?.[DEPLOYMENT] !== undefined
  const isOurs = ({ metadata }: Stored) =>
    Object.entries(PART_OF).every(([key, value]) => metadata.labels?.[key] === value)

  const deploymentIn = ({ metadata }: Stored): Pinned => JSON.parse(metadata.annotations![DEPLOYMENT]!)

  /** What holds a GPU may have to make room for its next version, which only a cluster that has another can start beside it. */
  const roomOf = (deployment: Pinned, isUpdate: boolean): Room => {
    if (lacking(objectsOf(deployment).service, facilities).length > 0) return 'none'
    return isUpdate && limitsOf(deployment).gpus !== undefined ? 'made' : 'waited for'
  }
  const advice = (service: KubernetesObject): string =>
    lacking(service, facilities)
      .map(text => `; ${text}`)
      .join('')

  async function checkSecrets({ name, secrets }: Deployment): Promise<void> {
    if (secrets.length === 0) return
    const there = await knativeSecrets(cluster).list()
    const missing = secrets.filter(secret => !there.includes(secret))
    if (missing.length > 0)
      throw new LaresError(
        'invalid_request',
        `${name}: no secret "${missing.join('", "')}"; faas-cli secret create makes one`,
      )
  }

  /** What ran before has gone on answering meanwhile: Knative moves requests only to a revision that is ready. */
  async function takeBack(name: string, previous: Previous | undefined): Promise<void> {
    if (!previous) return await removeObjects(name)
    const failed = find(name)
    const { service, others } = objectsOf(previous.deployment, revisions.minScale(previous.service))
    for (const object of [...others, service]) await cluster.apply(object)
    if (failed) await rollout.dropFailed(failed)
    if (others.length === 0) await removePolicy(name)
  }

  async function keepTold(deployment: Pinned): Promise<void> {
    const { name } = deployment
    const told = await manifestAt(originOf(known(name)))
    const { apiVersion, kind } = serviceOfName(name)
    const annotations = {
      [ANSWERED]: canonical(deployment),
      ...(told && { [MANIFEST]: JSON.stringify(told) }),
    }
    await cluster.apply(
      { apiVersion, kind, metadata: { name, namespace: cluster.namespace, annotations } },
      { manager: MANIFEST_MANAGER },
    )
  }

  const serviceOfName = (name: string): Applied => ({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace: cluster.namespace },
  })
  const policyOfName = (name: string): Applied => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `${name}-egress`, namespace: cluster.namespace },
  })
  async function removePolicy(name: string): Promise<void> {
    const isThere = await own(policyOfName(name), isOurs).catch(() => undefined)
    if (isThere) await cluster.remove(policyOfName(name))
  }
  async function removeObjects(name: string): Promise<void> {
    await cluster.remove(serviceOfName(name))
    await removePolicy(name)
    // The next request must not find it in what is followed.
    while (find(name)) await changes.next(1_000)
  }

  function describe(service: Service): DeployedFunction {
    const { name, annotations = {}, creationTimestamp } = service.metadata
    const deployment = deploymentIn(service)
    const answering = revisions.podsOf(service, podsOf(name))
    const available = answering.filter(pod => conditionOf(pod, 'Ready')?.status === 'True').length
    const ready = conditionOf(service, 'Ready')
    return {
      deployment,
      createdAt: creationTimestamp ? new Date(creationTimestamp).getTime() : now(),
      manifest: manifestIn(annotations[MANIFEST]),
      replicas: Math.max(revisions.minScale(service), answering.length),
      availableReplicas: available,
      activity: activityOf(name),
      notices: [
        ...(ready?.status === 'False' ? [`Knative: ${ready.message ?? ready.reason}`] : []),
        ...lacking(objectsOf(deployment).service, facilities),
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

  const all = () =>
    services
      .all()
      .filter(({ metadata }) => metadata.annotations?.[DEPLOYMENT] !== undefined)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const keepAwake = async (service: Service, replicas: number) => {
    if (revisions.minScale(service) !== replicas) await revisions.scale(service, replicas)
  }
  const look = async () => {
    facilities = await facilitiesOf(cluster)
    for (const service of all()) {
      const deployment = deploymentIn(service)
      const { name } = deployment
      const wanted = minScaleOf(deployment)
      if (!activeHoursOf(deployment.annotations) || wanted === revisions.minScale(service)) continue
      log.info({ function: name, minScale: wanted }, `${name} ${wanted === 0 ? 'may sleep' : 'stays awake'}`)
      await order
        .run(name, () => keepAwake(known(name), wanted))
        .catch(err => log.warn({ err, function: name }, `${name} has its old replicas until the next look`))
    }
  }
  /** A password that was changed, another database: functions learn of it with a new revision. */
  const renewEnvironment = async () => {
    const digestIn = ({ spec }: Service) => spec.template.metadata?.annotations?.[ENVIRONMENT_DIGEST]
    for (const { metadata } of all().filter(one => digestIn(one) !== environment?.digest))
      await order
        .run(metadata.name, async () => {
          // Removed meanwhile, it must not come back.
          const service = find(metadata.name)
          if (!service) return
          const deployment = deploymentIn(service)
          const applied = await cluster.apply(objectsOf(deployment, revisions.minScale(service)).service)
          await rollout.up(deployment.name, applied, roomOf(deployment, true))
        })
        .catch(err => log.warn({ err }, `${metadata.name} keeps the environment that it had`))
  }
  /** A deployment that a crash cut short ends as it would have ended: it answers, or what ran before it is put back. */
  const endCutShort = async (service: Service): Promise<void> => {
    const deployment = deploymentIn(service)
    const { name } = deployment
    const answered = service.metadata.annotations?.[ANSWERED]
    const previous = answered === undefined ? undefined : { deployment: JSON.parse(answered), service }
    // Of a provider that did not write down yet what answered.
    const isOld = previous === undefined && service.status?.latestReadyRevisionName !== undefined
    if (isOld) return isReady(service) ? await keepTold(deployment) : undefined
    log.info({ function: name }, `the deployment of ${name} was cut short and goes on`)
    await bringUp(deployment, service, previous).catch(err =>
      log.warn({ err, function: name }, `what was deployed of ${name} is taken back`),
    )
  }
  const endAllCutShort = () =>
    Promise.all(
      all()
        .filter(
          service => service.metadata.annotations?.[ANSWERED] !== service.metadata.annotations?.[DEPLOYMENT],
        )
        .map(({ metadata: { name } }) =>
          order.run(name, async () => {
            const service = find(name)
            if (service && isDeployedHere(service)) await endCutShort(service)
          }),
        ),
    )
  let looking: Promise<unknown> = Promise.all([
    endAllCutShort().catch(err => log.warn({ err }, 'deployments that were cut short stay as they are')),
    renewEnvironment().catch(err => log.warn({ err }, 'functions keep the environment they had')),
  ])
  const timer = setInterval(() => {
    looking = looking.then(look).catch(err => log.warn({ err }, 'the cluster could not be looked at'))
  }, lookEveryMs)

  return {
    name: 'knative',
    scaledBy: 'backend',
    list: () => all().map(describe),
    get: name => describe(known(name)),
    deploy: deployment => order.run(deployment.name, () => deploy(deployment)),
    remove: name =>
      order.run(name, async () => {
        known(name)
        await removeObjects(name)
        activities.delete(name)
        log.info({ function: name }, `${name} is removed`)
      }),
    scale: (name, replicas) => order.run(name, () => keepAwake(known(name), replicas)),
    acquire,
    // Only metrics-server could tell, and only what is used at the moment.
    usage: async () => undefined,
    secrets: knativeSecrets(cluster),
    logs(query, signal) {
      known(query.name)
      return knativeLogs(cluster, podsOf, query, signal)
    },
    endWaiting: rollout.end,
    async close({ stopFunctions }) {
      clearInterval(timer)
      rollout.end()
      await looking
      await order.settled()
      if (stopFunctions) await Promise.all(all().map(({ metadata }) => removeObjects(metadata.name)))
      await cluster.close()
    },
  }
}

async function manifestAt(origin: string | undefined): Promise<Manifest | undefined> {
  if (origin === undefined) return undefined
  const answer = await request(`${origin}/_/manifest`, { headersTimeout: MANIFEST_LIMIT_MS }).catch(
    () => undefined,
  )
  const told = await answer?.body.json().catch(() => undefined)
  return manifest.safeParse(told).data
}

function manifestIn(text: string | undefined): Manifest | undefined {
  return text === undefined ? undefined : manifest.safeParse(JSON.parse(text)).data
}
