import { LaresError } from '../../../shared/base/errors.ts'
import type { Cluster, Metadata, Pod, Service, StoredObject } from './cluster.ts'
import { MAX_SCALE_ANNOTATION, MIN_SCALE_ANNOTATION, minScaleIn } from './status.ts'

const API_VERSION = 'serving.knative.dev/v1'
const REVISION_LABEL = 'serving.knative.dev/revision'

/**
 * The revisions of the functions' Services. The provider sets replicas on the revision that answers, because its
 * autoscaler follows the annotations there (`syncAnnotationsForKPA` in Knative's `pkg/reconciler/revision`). Another
 * value on the template creates a revision, which starts every pod again and needs a second GPU meanwhile.
 */
export type Revisions = {
  minScale(service: Service): number
  scale(service: Service, replicas: number): Promise<void>
  /** The pods of the revision that answers; all pods while there is none. */
  servingPodsOf(service: Service, pods: Pod[]): Pod[]
  /** The pods of the latest revision. */
  latestPodsOf(service: Service, pods: Pod[]): Pod[]
  /** Removes all revisions except the latest, and thus frees their resources on nodes. */
  removeAllButLatest(service: Service): Promise<void>
  /** Removes the latest revision, which should no longer start. */
  removeLatest(service: Service): Promise<void>
}

export async function watchRevisions(cluster: Cluster, onChange: () => void): Promise<Revisions> {
  const watched = await cluster.watch<StoredObject>(
    { apiVersion: API_VERSION, kind: 'Revision', plural: 'revisions', labels: 'faas_function' },
    onChange,
  )
  const findRevision = (name: string | undefined) =>
    watched.all().find(({ metadata }) => metadata.name === name)
  const revisionsOf = (name: string) =>
    watched.all().filter(({ metadata }) => metadata.labels?.faas_function === name)
  const reference = (name: string, more: Partial<Metadata> = {}) => ({
    apiVersion: API_VERSION,
    kind: 'Revision',
    metadata: { name, namespace: cluster.namespace, ...more },
  })
  const podsOfRevision = (revision: string | undefined, pods: Pod[]) =>
    pods.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === revision)
  return {
    minScale: service =>
      minScaleIn(findRevision(service.status?.latestReadyRevisionName) ?? service.spec.template),
    async scale({ metadata, spec, status }, replicas) {
      const readyRevision = status?.latestReadyRevisionName
      if (readyRevision === undefined)
        throw new LaresError('unavailable', `no version of ${metadata.name} has come up yet`)
      const maxScale = Number(spec.template.metadata?.annotations?.[MAX_SCALE_ANNOTATION] ?? 0)
      const annotations = {
        [MIN_SCALE_ANNOTATION]: String(replicas),
        // Knative starts at most this many replicas; 0 means any number.
        ...(maxScale > 0 && { [MAX_SCALE_ANNOTATION]: String(Math.max(maxScale, replicas)) }),
      }
      await cluster.apply(reference(readyRevision, { annotations }))
    },
    servingPodsOf({ status }, pods) {
      const readyRevision = status?.latestReadyRevisionName
      return readyRevision === undefined ? pods : podsOfRevision(readyRevision, pods)
    },
    latestPodsOf: ({ status }, pods) => podsOfRevision(status?.latestCreatedRevisionName, pods),
    async removeAllButLatest({ metadata, status }) {
      const latestRevision = status?.latestCreatedRevisionName
      const others = revisionsOf(metadata.name).filter(revision => revision.metadata.name !== latestRevision)
      for (const { metadata } of others) await cluster.remove(reference(metadata.name))
    },
    async removeLatest({ status }) {
      const latestRevision = status?.latestCreatedRevisionName
      if (latestRevision !== undefined && latestRevision !== status?.latestReadyRevisionName)
        await cluster.remove(reference(latestRevision))
    },
  }
}
