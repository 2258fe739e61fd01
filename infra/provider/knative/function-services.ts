import { LaresError } from '../../../shared/base/errors.ts'
import type { Cluster, Pod, Service } from './cluster.ts'
import { type Revisions, watchRevisions } from './revisions.ts'
import { type ChangeSignal, createChangeSignal } from './rollout.ts'
import { isDeployedHere } from './service-annotations.ts'

const LABEL_SELECTOR = 'app.kubernetes.io/part-of=lares'

/** The functions' Services, revisions and pods, as the cluster reports them. They lag behind applied changes. */
export type FunctionServices = {
  /** Also finds a Service of another owner with that name. */
  find(name: string): Service | undefined
  /** Errors: `not_found`. */
  get(name: string): Service
  /** The Services that this provider deployed, by name. */
  all(): Service[]
  podsOf(name: string): Pod[]
  revisions: Revisions
  changes: ChangeSignal
}

export async function watchFunctionServices(cluster: Cluster): Promise<FunctionServices> {
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
  const find = (name: string) => services.all().find(({ metadata }) => metadata.name === name)
  return {
    find,
    get(name) {
      const service = find(name)
      if (service && isDeployedHere(service)) return service
      throw new LaresError(
        'not_found',
        `no function "${name}" is deployed; faas-cli list shows all functions`,
      )
    },
    all: () =>
      services
        .all()
        .filter(isDeployedHere)
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
    podsOf: name => pods.all().filter(({ metadata }) => metadata.labels?.faas_function === name),
    revisions,
    changes,
  }
}
