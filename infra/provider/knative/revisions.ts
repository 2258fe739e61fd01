import { LaresError } from '../../../shared/base/errors.ts'
import type { Cluster, Metadata, Pod, Service, Stored } from './cluster.ts'
import { MAX_SCALE, MIN_SCALE, minScaleIn } from './status.ts'

const API_VERSION = 'serving.knative.dev/v1'
const REVISION = 'serving.knative.dev/revision'

/**
 * The revisions of the functions' Services. Replicas are set on the revision that answers: its autoscaler follows the
 * annotations there (`syncAnnotationsForKPA` in Knative's `pkg/reconciler/revision`), while another value on the template
 * makes a revision, which starts every pod anew and needs a second GPU meanwhile.
 */
export type Revisions = {
  minScale(service: Service): number
  scale(service: Service, replicas: number): Promise<void>
  /** The pods of the revision that answers; all while there is none. */
  podsOf(service: Service, pods: Pod[]): Pod[]
  /** The pods of the revision that was made last. */
  newestPodsOf(service: Service, pods: Pod[]): Pod[]
  /** Removes all but the one that was made last, and with them what they hold of a node. */
  keepNewest(service: Service): Promise<void>
  /** Removes the one that was made last, which is not to come up any more. */
  dropNewest(service: Service): Promise<void>
}

export async function followRevisions(cluster: Cluster, onChange: () => void): Promise<Revisions> {
  const followed = await cluster.follow<Stored>(
    { apiVersion: API_VERSION, kind: 'Revision', plural: 'revisions', labels: 'faas_function' },
    onChange,
  )
  const named = (name: string | undefined) => followed.all().find(({ metadata }) => metadata.name === name)
  const of = (name: string) =>
    followed.all().filter(({ metadata }) => metadata.labels?.faas_function === name)
  const reference = (name: string, more: Partial<Metadata> = {}) => ({
    apiVersion: API_VERSION,
    kind: 'Revision',
    metadata: { name, namespace: cluster.namespace, ...more },
  })
  const podsAt = (revision: string | undefined, pods: Pod[]) =>
    pods.filter(({ metadata }) => metadata.labels?.[REVISION] === revision)
  return {
    minScale: service => minScaleIn(named(service.status?.latestReadyRevisionName) ?? service.spec.template),
    async scale({ metadata, spec, status }, replicas) {
      const answers = status?.latestReadyRevisionName
      if (answers === undefined)
        throw new LaresError('unavailable', `no version of ${metadata.name} has come up yet`)
      const most = Number(spec.template.metadata?.annotations?.[MAX_SCALE] ?? 0)
      const annotations = {
        [MIN_SCALE]: String(replicas),
        // No more are started than this, and 0 means any number.
        ...(most > 0 && { [MAX_SCALE]: String(Math.max(most, replicas)) }),
      }
      await cluster.apply(reference(answers, { annotations }))
    },
    podsOf({ status }, pods) {
      const answers = status?.latestReadyRevisionName
      return answers === undefined ? pods : podsAt(answers, pods)
    },
    newestPodsOf: ({ status }, pods) => podsAt(status?.latestCreatedRevisionName, pods),
    async keepNewest({ metadata, status }) {
      const newest = status?.latestCreatedRevisionName
      const others = of(metadata.name).filter(revision => revision.metadata.name !== newest)
      for (const { metadata } of others) await cluster.remove(reference(metadata.name))
    },
    async dropNewest({ status }) {
      const newest = status?.latestCreatedRevisionName
      if (newest !== undefined && newest !== status?.latestReadyRevisionName)
        await cluster.remove(reference(newest))
    },
  }
}
