import { openKeyedMutex } from '../../../shared/base/concurrency/keyed-mutex.ts'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Backend, DeployedFunction } from '../backend.ts'
import { type Activities, openActivities } from '../scaling/activities.ts'
import type { Cluster, Service } from './cluster.ts'
import { openDeployer } from './deployer.ts'
import { applyEnvironmentSecret } from './environment-secret.ts'
import { type FunctionObjects, openFunctionObjects } from './function-objects.ts'
import { type FunctionServices, watchFunctionServices } from './function-services.ts'
import { readKnativeLogs } from './logs.ts'
import { type MinScale, openMinScale } from './min-scale.ts'
import { refreshEnvironment, resumeInterrupted } from './recovery.ts'
import { openRequirements, type Requirements } from './requirements.ts'
import { openRollout, type RolloutSettings } from './rollout.ts'
import { openKnativeSecrets } from './secrets.ts'
import { deploymentIn, manifestIn } from './service-annotations.ts'
import { conditionOf, originOf } from './status.ts'

export type KnativeOptions = RolloutSettings & {
  cluster: Cluster
  /** Variables of every function's environment; default none. */
  environment?: Record<string, string>
  /**
   * The interval at which the provider compares active hours with the clock and reads the cluster's features; default
   * one minute.
   */
  reconcileIntervalMs?: number
}

/**
 * Runs each function as a Knative Service. Knative scales it, keeps the old version until the new one answers, and
 * wakes it. This backend applies the request, waits for the result, and rolls back a version that does not start.
 */
export async function openKnativeBackend(options: KnativeOptions): Promise<Backend> {
  const { cluster, log, now = Date.now, reconcileIntervalMs = 60_000 } = options
  const mutex = openKeyedMutex()
  const services = await watchFunctionServices(cluster)
  const requirements = await openRequirements(cluster)
  const environment = await applyEnvironmentSecret(cluster, options.environment ?? {})
  const secrets = openKnativeSecrets(cluster)
  const objects = openFunctionObjects(cluster, services, environment)
  const rollout = openRollout({ ...options, ...services })
  const minScale = openMinScale({ services, mutex, log, now })
  const deployer = openDeployer({ services, objects, rollout, minScale, requirements, secrets, log, now })
  const activities = openActivities(now)
  const recovery = { services, objects, deployer, mutex, log }
  const reconciler = startReconciler(
    { ...recovery, requirements, minScale, reconcileIntervalMs },
    environment,
  )
  const describe = (service: Service) =>
    describeFunction(service, { services, objects, requirements, activities, now })
  return {
    name: 'knative',
    scaledBy: 'backend',
    list: () => services.all().map(describe),
    get: name => describe(services.get(name)),
    deploy: deployment => mutex.run(deployment.name, () => deployer.deploy(deployment)),
    remove: name =>
      mutex.run(name, async () => {
        services.get(name)
        await objects.remove(name)
        activities.remove(name)
        log.info({ function: name }, `${name} is removed`)
      }),
    scale: (name, replicas) => mutex.run(name, () => minScale.set(name, replicas)),
    acquire: name => activities.lease(name, addressOf(services.get(name))),
    // Only metrics-server knows the usage, and only the present one.
    usage: async () => undefined,
    secrets,
    logs(query, signal) {
      services.get(query.name)
      return readKnativeLogs(cluster, services.podsOf, query, signal)
    },
    abortRollouts: rollout.abort,
    async close({ stopFunctions }) {
      rollout.abort()
      await reconciler.close()
      await mutex.settled()
      if (stopFunctions)
        await Promise.all(services.all().map(({ metadata }) => objects.remove(metadata.name)))
      await cluster.close()
    },
  }
}

type ReconcilerDependencies = Parameters<typeof resumeInterrupted>[0] & {
  requirements: Requirements
  minScale: MinScale
  reconcileIntervalMs: number
}

/**
 * Completes deployments that a crash interrupted. Afterwards it compares functions with the clock and the cluster's
 * features.
 */
function startReconciler(
  dependencies: ReconcilerDependencies,
  environment: { digest: string } | undefined,
): { close(): Promise<void> } {
  const { requirements, minScale, log, reconcileIntervalMs } = dependencies
  const reconcile = async () => {
    await requirements.refresh()
    await minScale.followActiveHours()
  }
  let reconciling: Promise<unknown> = Promise.all([
    resumeInterrupted(dependencies).catch(err =>
      log.warn({ err }, 'interrupted deployments stay as they are until the provider starts again'),
    ),
    refreshEnvironment(dependencies, environment?.digest).catch(err =>
      log.warn({ err }, 'functions keep their earlier environment'),
    ),
  ])
  const timer = setInterval(() => {
    reconciling = reconciling
      .then(reconcile)
      .catch(err => log.warn({ err }, 'the provider cannot read the cluster'))
  }, reconcileIntervalMs)
  return {
    async close() {
      clearInterval(timer)
      await reconciling
    },
  }
}

type DescriptionDependencies = {
  services: FunctionServices
  objects: FunctionObjects
  requirements: Requirements
  activities: Activities
  now: () => number
}

function describeFunction(
  service: Service,
  { services, objects, requirements, activities, now }: DescriptionDependencies,
): DeployedFunction {
  const { name, creationTimestamp } = service.metadata
  const deployment = deploymentIn(service)
  const pods = services.revisions.servingPodsOf(service, services.podsOf(name))
  const ready = conditionOf(service, 'Ready')
  return {
    deployment,
    createdAt: creationTimestamp ? new Date(creationTimestamp).getTime() : now(),
    manifest: manifestIn(service),
    replicas: Math.max(services.revisions.minScale(service), pods.length),
    availableReplicas: pods.filter(pod => conditionOf(pod, 'Ready')?.status === 'True').length,
    activity: activities.activityOf(name),
    notices: [
      ...(ready?.status === 'False' ? [`Knative: ${ready.message ?? ready.reason}`] : []),
      ...requirements.unmet(objects.build(deployment).service),
    ],
  }
}

function addressOf(service: Service): string {
  const origin = originOf(service)
  if (origin !== undefined) return origin
  throw new LaresError('unavailable', `Knative has given ${service.metadata.name} no address yet`, {
    retryAfterMs: 1_000,
  })
}
