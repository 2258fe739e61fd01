import { isDeepStrictEqual } from 'node:util'
import { type Manifest, manifestSchema } from '../../../shared/contract/catalogue.ts'
import { canonicalJson } from '../deployment.ts'
import type { Service, StoredObject } from './cluster.ts'
import { PART_OF_LABELS, type PinnedDeployment } from './manifests.ts'

/** The provider keeps its own data in these annotations of a Service, and reads them after a restart. Knative ignores them. */
const DEPLOYMENT_ANNOTATION = 'com.lares.deployment'
const MANIFEST_ANNOTATION = 'com.lares.manifest'
/** The deployment that answered last. It differs from the requested one during a rollout, and after a crash in a rollout. */
const LAST_READY_ANNOTATION = 'com.lares.answered'

export const deploymentAnnotations = (deployment: PinnedDeployment): Record<string, string> => ({
  [DEPLOYMENT_ANNOTATION]: canonicalJson(deployment),
})

/** Without a manifest the Service keeps the one that an earlier version reported. */
export const readyAnnotations = (
  deployment: PinnedDeployment,
  manifest: Manifest | undefined,
): Record<string, string> => ({
  [LAST_READY_ANNOTATION]: canonicalJson(deployment),
  ...(manifest && { [MANIFEST_ANNOTATION]: JSON.stringify(manifest) }),
})

/** Whether this provider, or an earlier run of it, deployed the Service. */
export const isDeployedHere = ({ metadata }: StoredObject): boolean =>
  metadata.annotations?.[DEPLOYMENT_ANNOTATION] !== undefined

export const isOwnedByLares = ({ metadata }: StoredObject): boolean =>
  Object.entries(PART_OF_LABELS).every(([key, value]) => metadata.labels?.[key] === value)

/** Only for a Service that `isDeployedHere`. */
export const deploymentIn = ({ metadata }: StoredObject): PinnedDeployment =>
  JSON.parse(metadata.annotations![DEPLOYMENT_ANNOTATION]!)

/** The deployment that answered last; undefined before the first one has answered. */
export function lastReadyDeploymentIn({ metadata }: StoredObject): PinnedDeployment | undefined {
  const text = metadata.annotations?.[LAST_READY_ANNOTATION]
  return text === undefined ? undefined : JSON.parse(text)
}

export function manifestIn({ metadata }: StoredObject): Manifest | undefined {
  const text = metadata.annotations?.[MANIFEST_ANNOTATION]
  return text === undefined ? undefined : manifestSchema.safeParse(JSON.parse(text)).data
}

/** Whether the provider stopped before the requested deployment answered. */
export const isInterrupted = ({ metadata: { annotations = {} } }: Service): boolean =>
  annotations[LAST_READY_ANNOTATION] !== annotations[DEPLOYMENT_ANNOTATION]

/** Whether applying one over the other changes nothing. Kubernetes counts changes of the spec in the generation. */
export const isUnchanged = ({ metadata: a }: StoredObject, { metadata: b }: StoredObject): boolean =>
  a.generation === b.generation && isDeepStrictEqual([a.labels, a.annotations], [b.labels, b.annotations])
