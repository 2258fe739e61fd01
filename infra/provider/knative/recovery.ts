import type { KeyedMutex } from '../../../shared/base/concurrency/keyed-mutex.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Service } from './cluster.ts'
import type { Deployer } from './deployer.ts'
import type { FunctionObjects } from './function-objects.ts'
import type { FunctionServices } from './function-services.ts'
import { ENVIRONMENT_DIGEST_ANNOTATION } from './manifests.ts'
import { deploymentIn, isDeployedHere, isInterrupted, lastReadyDeploymentIn } from './service-annotations.ts'
import { isReady } from './status.ts'

export type RecoveryDependencies = {
  services: FunctionServices
  objects: FunctionObjects
  deployer: Deployer
  mutex: KeyedMutex
  log: Logger
}

/**
 * Completes each deployment that a crash interrupted: the new version answers, or the version before it is restored.
 */
export async function resumeInterrupted(dependencies: RecoveryDependencies): Promise<void> {
  const { services, mutex } = dependencies
  const resume = async (name: string) => {
    const service = services.find(name)
    if (service && isDeployedHere(service)) await resumeDeployment(service, dependencies)
  }
  const names = services
    .all()
    .filter(isInterrupted)
    .map(({ metadata }) => metadata.name)
  await Promise.all(names.map(name => mutex.run(name, () => resume(name))))
}

async function resumeDeployment(
  service: Service,
  { objects, deployer, log }: RecoveryDependencies,
): Promise<void> {
  const deployment = deploymentIn(service)
  const { name } = deployment
  const lastReady = lastReadyDeploymentIn(service)
  // An earlier release of the provider did not record which deployment answered.
  if (lastReady === undefined && service.status?.latestReadyRevisionName !== undefined)
    return isReady(service) ? await objects.saveReady(deployment) : undefined
  log.info({ function: name }, `the provider goes on with the interrupted deployment of ${name}`)
  await deployer
    .rollOut(deployment, service, lastReady && { deployment: lastReady, service })
    .catch(err => log.warn({ err, function: name }, `the deployment of ${name} is rolled back`))
}

/**
 * Gives functions the environment of this start, for example a changed password or another database. Each gets a new
 * revision.
 */
export async function refreshEnvironment(
  dependencies: RecoveryDependencies,
  digest: string | undefined,
): Promise<void> {
  const { services, mutex, log } = dependencies
  const digestIn = ({ spec }: Service) => spec.template.metadata?.annotations?.[ENVIRONMENT_DIGEST_ANNOTATION]
  for (const { metadata } of services.all().filter(service => digestIn(service) !== digest))
    await mutex
      .run(metadata.name, () => applyEnvironment(metadata.name, dependencies))
      .catch(err =>
        log.warn({ err, function: metadata.name }, `${metadata.name} keeps its earlier environment`),
      )
}

async function applyEnvironment(
  name: string,
  { services, objects, deployer }: RecoveryDependencies,
): Promise<void> {
  const service = services.find(name)
  // A function that was removed meanwhile must not come back.
  if (!service) return
  const deployment = deploymentIn(service)
  const built = objects.build(deployment, services.revisions.minScale(service))
  await deployer.awaitUpdate(deployment, await objects.applyService(built.service))
}
