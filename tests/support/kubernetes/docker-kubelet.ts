import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { V1Container, V1HTTPGetAction, V1Pod } from '@kubernetes/client-node'
import Docker from 'dockerode'
import type { ClusterNetwork } from './cluster-network.ts'
import type { KubernetesServer } from './kubernetes.ts'
import { containerNameOf, createContainer, type PodDependencies } from './pod-container.ts'

const POLL_INTERVAL_MS = 100
const PROBE_TIMEOUT_MS = 1_000
const INITIAL_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 10_000
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
const LEASE_INTERVAL_MS = 10_000
const MERGE_PATCH_TYPE = 'application/merge-patch+json'

export type Kubelet = {
  /** Ends all containers of the node. */
  close(): Promise<void>
}

/**
 * A node that runs pods as containers of Docker. All containers of a pod share the network of the first. It does the
 * part of a kubelet's work that the pods here need: variables, configurations, limits, permissions, readiness by HTTP,
 * restarts and preStop hooks. Volumes are configurations, secrets and empty folders. Pods of the system get
 * `kubeconfig`.
 */
export async function startKubelet(
  node: string,
  { api }: KubernetesServer,
  network: ClusterNetwork,
  kubeconfig: string,
): Promise<Kubelet> {
  const docker = new Docker()
  const home = await mkdtemp(join(tmpdir(), 'lares-kubelet-'))
  const capacity = { cpu: '16', memory: '32Gi', pods: '110' }
  const now = new Date().toISOString()
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now }
  await expectOk(api('POST', '/api/v1/nodes', { metadata: { name: node } }))
  await expectOk(
    api(
      'PATCH',
      `/api/v1/nodes/${node}/status`,
      {
        status: {
          capacity: capacity,
          allocatable: capacity,
          conditions: [{ ...ready, lastTransitionTime: now }],
          addresses: [{ type: 'InternalIP', address: network.gateway }],
        },
      },
      MERGE_PATCH_TYPE,
    ),
  )
  const lease = `${LEASES}/${node}`
  await expectOk(api('POST', LEASES, { metadata: { name: node }, spec: leaseSpec(node) }))
  const leaseTimer = setInterval(() => {
    void api('PATCH', lease, { spec: leaseSpec(node) }, MERGE_PATCH_TYPE).then(
      answer => answer.body?.cancel(),
      () => undefined,
    )
  }, LEASE_INTERVAL_MS)
  const running = new Map<string, RunningPod>()
  const ending = new Set<string>()
  let isOver = false
  const dependencies = { api, docker, network, home, kubeconfig }
  const syncPods = async () => {
    const answer = await api('GET', `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`)
    const { items } = (await answer.json()) as { items: V1Pod[] }
    for (const pod of items) {
      const uid = pod.metadata!.uid!
      if (!running.has(uid) && !pod.metadata!.deletionTimestamp) running.set(uid, runPod(pod, dependencies))
      if (!pod.metadata!.deletionTimestamp || ending.has(uid)) continue
      ending.add(uid)
      void endPod(pod, running.get(uid), api).catch(() => ending.delete(uid))
    }
    const existingUids = new Set(items.map(({ metadata }) => metadata!.uid))
    for (const [uid, one] of running)
      if (!existingUids.has(uid)) {
        running.delete(uid)
        ending.delete(uid)
        void one.end(0)
      }
  }
  const syncLoop = (async () => {
    while (!isOver) {
      await syncPods().catch(error => process.stderr.write(`kubelet: ${error.message}\n`))
      await wait(POLL_INTERVAL_MS)
    }
  })()
  return {
    async close() {
      isOver = true
      clearInterval(leaseTimer)
      await syncLoop
      await Promise.all([...running.values()].map(one => one.end(0)))
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** The lease of the node. Without it the node counts as lost after 40 s. */
const leaseSpec = (holderIdentity: string) => ({
  holderIdentity,
  leaseDurationSeconds: 40,
  renewTime: new Date().toISOString().replace('Z', '000Z'),
})

type RunningPod = { end(graceSeconds: number): Promise<void> }

async function expectOk(request: Promise<Response>): Promise<void> {
  const answer = await request
  if (!answer.ok) throw new Error(`${answer.url}: ${await answer.text()}`)
  await answer.body?.cancel()
}

async function endPod(
  pod: V1Pod,
  running: RunningPod | undefined,
  api: PodDependencies['api'],
): Promise<void> {
  const { namespace, name, uid, deletionGracePeriodSeconds } = pod.metadata!
  await running?.end(deletionGracePeriodSeconds ?? 30)
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`
  await expectOk(api('DELETE', path, { gracePeriodSeconds: 0, preconditions: { uid } }))
}

function runPod(pod: V1Pod, dependencies: PodDependencies): RunningPod {
  const { api, docker, network } = dependencies
  const { namespace, name } = pod.metadata!
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`
  const ip = network.nextAddress()
  // The last container holds the network for all. In a function's pod it is queue-proxy, which survives crashes beside
  // it.
  const containers = pod.spec!.containers.toReversed()
  const states = new Map(containers.map(one => [one.name, initialStatus(one)]))
  let ending: Promise<void> | undefined
  let lastStatus = ''
  const writeStatus = async () => {
    const ready = [...states.values()].every(state => state.ready)
    const conditions = ['Initialized', 'PodReadyToStartContainers'].map(type => ({ type, status: 'True' }))
    const status = {
      phase: [...states.values()].some(({ started }) => started) ? 'Running' : 'Pending',
      podIP: ip,
      podIPs: [{ ip }],
      hostIP: network.gateway,
      startTime: pod.metadata!.creationTimestamp,
      conditions: [
        { type: 'PodScheduled', status: 'True' },
        ...conditions,
        { type: 'ContainersReady', status: ready ? 'True' : 'False' },
        { type: 'Ready', status: ready ? 'True' : 'False' },
      ],
      containerStatuses: [...states.values()],
    }
    if (JSON.stringify(status) === lastStatus) return
    lastStatus = JSON.stringify(status)
    await (await api('PATCH', path, { status }, MERGE_PATCH_TYPE)).body?.cancel()
  }
  // In order, so that the last write is the current status.
  let reporting = Promise.resolve()
  const reportStatus = () => {
    reporting = reporting.then(writeStatus).catch(() => undefined)
    return reporting
  }
  const networkReady = Promise.withResolvers<void>()
  const runContainer = async (one: V1Container, holder: string | undefined) => {
    const state = states.get(one.name)!
    for (let backoff = INITIAL_BACKOFF_MS; !ending; backoff = Math.min(backoff * 2, MAX_BACKOFF_MS)) {
      try {
        const container = await createContainer(one, pod, { ip, holder }, dependencies)
        await container.start()
        if (!holder) networkReady.resolve()
        state.state = { running: { startedAt: new Date().toISOString() } }
        state.started = true
        state.containerID = `docker://${container.id}`
        const exited = container.wait()
        const probing = untilReady(one, ip, () => ending !== undefined || !state.state.running)
        void probing.then(async ready => {
          state.ready = ready
          await reportStatus()
        })
        await reportStatus()
        const { StatusCode } = await exited
        state.ready = false
        state.restartCount++
        const message = await containerTail(container)
        await container.remove({ force: true }).catch(() => undefined)
        state.state = { waiting: { reason: 'CrashLoopBackOff', message } }
        state.lastState = { terminated: { exitCode: StatusCode, reason: 'Error', message } }
      } catch (error) {
        state.state = { waiting: { reason: 'CreateContainerError', message: (error as Error).message } }
      }
      if (ending) return
      await reportStatus()
      await wait(backoff)
    }
  }
  const [first, ...others] = containers
  const firstContainer = runContainer(first!, undefined)
  const runAfterNetwork = async (one: V1Container) => {
    await networkReady.promise
    await runContainer(one, containerNameOf(pod, first!))
  }
  const containerLoops = [firstContainer, ...others.map(runAfterNetwork)]
  return {
    end(graceSeconds) {
      ending ??= (async () => {
        networkReady.resolve()
        if (graceSeconds > 0) await Promise.all(containers.map(one => runPreStopHook(one, ip)))
        // Ends all remaining containers; the holder of the network last.
        for (const one of containers.toReversed()) {
          const container = docker.getContainer(containerNameOf(pod, one))
          await container.stop({ t: graceSeconds }).catch(() => undefined)
          await container.remove({ force: true }).catch(() => undefined)
        }
        await Promise.all(containerLoops)
      })()
      return ending
    },
  }
}

const initialStatus = ({ name, image }: V1Container) => ({
  name,
  image,
  imageID: image,
  containerID: '',
  ready: false,
  started: false,
  restartCount: 0,
  state: { waiting: { reason: 'ContainerCreating', message: '' } } as ContainerState,
  lastState: {} as ContainerState,
})
type ContainerState = {
  waiting?: { reason: string; message: string }
  running?: { startedAt: string }
  terminated?: { exitCode: number; reason: string; message: string }
}

/** Probes over HTTP until a probe succeeds. Without a probe the container is ready at once. */
async function untilReady(
  { readinessProbe }: V1Container,
  ip: string,
  isOver: () => boolean,
): Promise<boolean> {
  const probe = readinessProbe?.httpGet
  if (!probe) return true
  while (!isOver()) {
    if ((await probeStatus(ip, probe, PROBE_TIMEOUT_MS)) < 400) return true
    await wait(POLL_INTERVAL_MS)
  }
  return false
}

async function runPreStopHook({ lifecycle }: V1Container, ip: string): Promise<void> {
  const hook = lifecycle?.preStop?.httpGet
  if (hook) await probeStatus(ip, hook, 30_000)
}

/** The status of the response, or 599 without one. */
function probeStatus(
  host: string,
  { path, port, httpHeaders = [] }: V1HTTPGetAction,
  limitMs: number,
): Promise<number> {
  const headerEntries = httpHeaders.map(({ name, value }) => [name, value])
  // Knative's programs recognise a probe by this name.
  const headers = { 'user-agent': 'kube-probe/1.36', ...Object.fromEntries(headerEntries) }
  return new Promise(resolve => {
    const signal = AbortSignal.timeout(limitMs)
    request({ host, port: port as number, path: path ?? '/', headers, agent: false, signal }, answer => {
      answer.resume()
      resolve(answer.statusCode ?? 599)
    })
      .on('error', () => resolve(599))
      .end()
  })
}

async function containerTail(container: Docker.Container): Promise<string> {
  const raw = await container.logs({ stdout: true, stderr: true, tail: 20 }).catch(() => Buffer.alloc(0))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Docker puts eight bytes before each piece.
  const text = raw.toString('latin1').replace(/[\x01\x02]\x00{3}[\s\S]{4}/g, '')
  return Buffer.from(text, 'latin1').toString().trim().slice(-500)
}
