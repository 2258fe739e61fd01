import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Secrets } from '../backend.ts'
import { type Deployment, limitsOf, NAMESPACE } from '../deployment.ts'
import { pinToDigest } from '../docker/image-registry.ts'
import { parseImageName } from '../image-name.ts'
import type { Service, StoredObject } from './cluster.ts'
import type { FunctionObjects } from './function-objects.ts'
import type { FunctionServices } from './function-services.ts'
import type { PinnedDeployment } from './manifests.ts'
import type { MinScale } from './min-scale.ts'
import type { Requirements } from './requirements.ts'
import type { CapacityPolicy, Rollout } from './rollout.ts'
import { deploymentIn, isUnchanged } from './service-annotations.ts'
import { isReady } from './status.ts'

export type PreviousVersion = { deployment: PinnedDeployment; service: Service }

/** Starts a new version of a function, or restores the version before it. */
export type Deployer = {
  /**
   * Resolves when the version answers, with whether it had to change anything. Errors: `invalid_request` with the
   * reason; the version before it continues to answer.
   */
  deploy(requested: Deployment): Promise<boolean>
  /** Waits for a version that is already applied. Errors: as for `deploy`. */
  rollOut(deployment: PinnedDeployment, applied: StoredObject, previous?: PreviousVersion): Promise<void>
  /** Waits for a version that is already applied, and keeps it when it does not answer. Errors: `unavailable`. */
  awaitUpdate(deployment: PinnedDeployment, applied: StoredObject): Promise<void>
}

export type DeployerDependencies = {
  services: FunctionServices
  objects: FunctionObjects
  rollout: Rollout
  minScale: MinScale
  requirements: Requirements
  secrets: Secrets
  log: Logger
  now: () => number
}

export function openDeployer(dependencies: DeployerDependencies): Deployer {
  const { services, objects, rollout, minScale, requirements, secrets, log, now } = dependencies
  const unmetRequirements = (deployment: PinnedDeployment) =>
    requirements.unmet(objects.build(deployment).service)

  async function deploy(requested: Deployment): Promise<boolean> {
    const { name, namespace } = requested
    if (namespace !== NAMESPACE)
      throw new LaresError(
        'invalid_request',
        `${name}: there is no namespace "${namespace}", only ${NAMESPACE}`,
      )
    await checkSecrets(requested, secrets)
    const stored = await objects.readService(name)
    const previous = stored && { deployment: deploymentIn(stored), service: stored }
    const deployment = await pinImage(requested, previous?.deployment, now)
    const built = objects.build(deployment)
    const checked = await objects.dryRun(name, built)
    await objects.applyPolicies(name, built.policies)
    // Applying an unchanged custom resource still writes it, if only to update the time.
    if (stored && isUnchanged(stored, checked)) {
      if (isReady(stored)) return false
      await rollOut(deployment, stored, previous)
      return false
    }
    await rollOut(deployment, await objects.applyService(built.service), previous)
    return true
  }

  async function rollOut(
    deployment: PinnedDeployment,
    applied: StoredObject,
    previous?: PreviousVersion,
  ): Promise<void> {
    const { name } = deployment
    const capacity = capacityPolicyOf(deployment, previous !== undefined)
    await rollout.awaitReady(name, applied, capacity).catch(async cause => {
      // Knative continues the rollout, and the next start of the provider completes it.
      if (rollout.isAborted()) throw cause
      await rollback(name, previous)
      const reason = [(cause as Error).message, ...unmetRequirements(deployment)].join('; ')
      throw new LaresError('invalid_request', `${name} does not start: ${reason}`, { cause })
    })
    await minScale.setCurrent(deployment)
    await objects.saveReady(deployment)
    log.info({ function: name, generation: applied.metadata.generation }, `${name} is deployed`)
  }

  /**
   * Restores the previous version. It has never stopped answering: Knative moves requests only to a revision that is
   * ready.
   */
  async function rollback(name: string, previous: PreviousVersion | undefined): Promise<void> {
    if (!previous) return await objects.remove(name)
    const failed = services.find(name)
    const minReplicas = services.revisions.minScale(previous.service)
    const { service, policies } = objects.build(previous.deployment, minReplicas)
    await objects.applyPolicies(name, policies)
    await objects.applyService(service)
    if (failed) await rollout.removeFailedRevision(failed)
  }

  /** Only a cluster with a second GPU can start a new version beside the one that holds a GPU. */
  function capacityPolicyOf(deployment: PinnedDeployment, isUpdate: boolean): CapacityPolicy {
    if (unmetRequirements(deployment).length > 0) return 'none'
    return isUpdate && limitsOf(deployment).gpus !== undefined ? 'made' : 'waited for'
  }

  return {
    deploy,
    rollOut,
    awaitUpdate: (deployment, applied) =>
      rollout.awaitReady(deployment.name, applied, capacityPolicyOf(deployment, true)),
  }
}

/**
 * Adds the present digest of the image's name. An image that was pushed again under the same name is thus a change, and
 * a rollback runs the image that ran before. When the registry does not answer, `latest` counts as a change each time,
 * and any other tag keeps the digest of `previous`.
 */
export async function pinImage(
  deployment: Deployment,
  previous: PinnedDeployment | undefined,
  now: () => number,
): Promise<PinnedDeployment> {
  const { image } = deployment
  const previousContent = previous?.image === image ? previous.content : undefined
  const fallbackContent = () =>
    parseImageName(image).tag === 'latest' ? new Date(now()).toISOString() : previousContent
  const content = (await pinToDigest(image)) ?? fallbackContent()
  return content === undefined ? deployment : { ...deployment, content }
}

async function checkSecrets({ name, secrets }: Deployment, existing: Secrets): Promise<void> {
  if (secrets.length === 0) return
  const names = await existing.list()
  const missing = secrets.filter(secret => !names.includes(secret))
  if (missing.length > 0)
    throw new LaresError(
      'invalid_request',
      `${name}: there is no secret "${missing.join('", "')}"; create it with faas-cli secret create`,
    )
}
