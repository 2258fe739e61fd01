import type { Writable } from 'node:stream'
import type * as kubernetes from '@kubernetes/client-node'
import { LaresError } from '../../../shared/base/errors.ts'

/** Who owns the fields that the provider sets, for server-side apply. */
const MANAGER = 'lares'
/** What the client takes where it finds nothing. */
const GUESS = 'http://localhost:8080'
const SERVING = 'serving.knative.dev/v1'

export type Metadata = {
  name: string
  namespace?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  resourceVersion?: string
  generation?: number
  creationTimestamp?: Date | string
}
export type Condition = { type: string; status: string; reason?: string; message?: string }
export type Applied = { apiVersion: string; kind: string; metadata: object }
export type Stored = { apiVersion?: string; kind?: string; metadata: Metadata }
export type Service = Stored & {
  spec: { template: { metadata?: { annotations?: Record<string, string> } } }
  status?: {
    observedGeneration?: number
    conditions?: Condition[]
    url?: string
    address?: { url?: string }
    latestReadyRevisionName?: string
    latestCreatedRevisionName?: string
  }
}
export type Pod = Stored & {
  status?: { phase?: string; conditions?: Condition[]; containerStatuses?: ContainerStatus[] }
}
export type ContainerStatus = {
  name: string
  ready: boolean
  restartCount: number
  lastState?: { terminated?: { exitCode: number; reason?: string; message?: string } }
}
export type Node = Stored & { status?: { allocatable?: Record<string, string> } }

/** The Kubernetes API as the backend needs it. Errors: `invalid_request` with the API server's reason, `not_found`, `unavailable`. */
export type Cluster = {
  namespace: string
  /** Server-side apply: sets what the object says and leaves what others set. With `dryRun` it is checked and not kept. */
  apply(object: Applied, how?: { manager?: string; dryRun?: boolean }): Promise<Stored>
  read<T extends Stored>(object: Applied): Promise<T>
  list<T extends Stored>(apiVersion: string, kind: string, labels?: string): Promise<T[]>
  /** Nothing happens when it is not there. */
  remove(object: Applied): Promise<void>
  /** What there is now and from now on, until `close`. Resolves when the first list is there. */
  follow<T extends Stored>(what: Followed, onChange: () => void): Promise<{ all(): T[] }>
  /** Writes it as it comes, and closes `into` when it ends or breaks off. */
  log(pod: string, into: Writable, options: kubernetes.LogOptions): Promise<AbortController>
  close(): Promise<void>
}

export type Followed = { apiVersion: string; kind: string; plural: string; labels: string }

/**
 * Opens the cluster that kubectl would use: KUBECONFIG, `~/.kube/config`, or the account of the pod that this runs in.
 * Errors: `invalid_config` when there is none, `unavailable`, also when it has no Knative Serving.
 */
export async function openCluster(namespace: string): Promise<Cluster> {
  // Loaded here alone: it takes a second and 60 MB.
  const k8s = await import('@kubernetes/client-node')
  const config = configOf(k8s)
  const objects = k8s.KubernetesObjectApi.makeApiClient(config)
  const informers: kubernetes.Informer<kubernetes.KubernetesObject>[] = []
  let closed = false

  const list = async <T extends Stored>(apiVersion: string, kind: string, labels?: string) => {
    const found = await objects
      .list(apiVersion, kind, namespaced(kind), undefined, undefined, undefined, undefined, labels)
      .catch(refuse(`${kind}s`))
    return found as unknown as kubernetes.KubernetesListObject<kubernetes.KubernetesObject> & { items: T[] }
  }
  const namespaced = (kind: string) => (kind === 'Node' ? undefined : namespace)

  const cluster: Cluster = {
    namespace,
    async apply(object, { manager = MANAGER, dryRun = false } = {}) {
      const applied = await objects
        .patch(
          object as kubernetes.KubernetesObject,
          undefined,
          dryRun ? 'All' : undefined,
          manager,
          true,
          k8s.PatchStrategy.ServerSideApply,
        )
        .catch(refuse(nameOf(object)))
      return applied as unknown as Stored
    },
    read: async <T extends Stored>(object: Applied) =>
      (await objects.read(object as never).catch(refuse(nameOf(object)))) as unknown as T,
    list: async (apiVersion, kind, labels) => (await list<never>(apiVersion, kind, labels)).items,
    async remove(object) {
      await objects.delete(object as kubernetes.KubernetesObject).catch(error => {
        if (error.code !== 404) refuse(nameOf(object))(error)
      })
    },
    async follow<T extends Stored>({ apiVersion, kind, plural, labels }: Followed, onChange: () => void) {
      const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
      const path = `${root}/namespaces/${namespace}/${plural}`
      const informer = k8s.makeInformer(config, path, () => list<never>(apiVersion, kind, labels), labels)
      informers.push(informer)
      informer.on('add', onChange)
      informer.on('update', onChange)
      informer.on('delete', onChange)
      informer.on('error', () => {
        // The API server was away, or had forgotten where we were: the list is read anew.
        if (!closed) setTimeout(() => closed || void informer.start().catch(() => undefined), 1_000).unref()
      })
      await informer.start()
      return { all: () => informer.list(namespace) as unknown as T[] }
    },
    log(pod, into, options) {
      // The client leaves it at that when reading breaks off or is given up, which would end this process.
      into.once('pipe', (source: NodeJS.ReadableStream) => source.once('error', () => into.destroy()))
      return new k8s.Log(config)
        .log(namespace, pod, 'function', into as never, options)
        .catch(refuse(`the log of ${pod}`))
    },
    async close() {
      closed = true
      await Promise.all(informers.map(informer => informer.stop()))
    },
  }
  await checkKnative(cluster)
  return cluster
}

function configOf(k8s: typeof kubernetes): kubernetes.KubeConfig {
  const config = new k8s.KubeConfig()
  try {
    config.loadFromDefault()
  } catch (cause) {
    throw new LaresError('invalid_config', `the kubeconfig cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
  const server = config.getCurrentCluster()?.server
  if (server !== undefined && server !== GUESS) return config
  throw new LaresError('invalid_config', 'no cluster is known: set KUBECONFIG, or run inside of one')
}

async function checkKnative(cluster: Cluster): Promise<void> {
  try {
    await cluster.list(SERVING, 'Service')
  } catch (cause) {
    const { code, message } = cause as LaresError
    const unknown = code === 'not_found' || /Unrecognized API version/.test(message)
    const remedy = unknown ? 'it has no Knative Serving; install it (docs/cluster.md)' : message
    throw new LaresError('unavailable', `the cluster cannot be used: ${remedy}`, { cause })
  }
}

const nameOf = ({ kind, metadata }: Applied): string => `${kind} ${(metadata as Metadata).name}`

/** The API server's own words, which name the field. */
const refuse =
  (what: string) =>
  (cause: Error & { code?: unknown; body?: unknown }): never => {
    const reason = reasonIn(cause)
    if (cause.code === 404) throw new LaresError('not_found', `${what}: ${reason}`, { cause })
    if (cause.code === 401 || cause.code === 403)
      throw new LaresError('forbidden', `${what}: the cluster does not allow it: ${reason}`, { cause })
    const isFinal =
      (typeof cause.code === 'number' && cause.code >= 400 && cause.code < 500 && cause.code !== 429) ||
      // For a field of the wrong type the API server answers 500.
      /failed to create typed patch object/.test(reason)
    throw new LaresError(isFinal ? 'invalid_request' : 'unavailable', `${what}: ${reason}`, { cause })
  }

function reasonIn({ body, message }: { body?: unknown; message: string }): string {
  try {
    const told = typeof body === 'string' ? JSON.parse(body) : body
    return typeof told?.message === 'string' ? told.message : message
  } catch {
    return String(body)
  }
}
