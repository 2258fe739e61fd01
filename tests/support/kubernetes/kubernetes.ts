import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { LaresError } from '../../../shared/base/errors.ts'
import { freePort } from '../../../shared/base/free-port.ts'
import { cachedFolder } from '../cached-folder.ts'
import { buildGoPrograms, downloadGoModule } from '../go-program.ts'

const run = promisify(execFile)
const KUBERNETES_VERSION = '1.36.3'
/** The newest version with modules that are available too. */
export const SERVING_VERSION = 'v0.50.0'
const KEDA_MODULE = 'github.com/kedacore/keda/v2@v2.21.0'
const START_TIMEOUT_MS = 60_000
const TOKEN = 'of-the-tests'

export type KubernetesServer = {
  version: string
  origin: string
  /** For KUBECONFIG. */
  kubeconfig: string
  /** The server's self-signed certificate and its key. */
  certificate: { cert: string; key: string }
  /** Sends a raw request to the API. Tests use it to simulate the missing parts of Kubernetes. */
  api(method: string, path: string, body?: object, type?: string): Promise<Response>
  close(): Promise<void>
}

/**
 * Starts a real API server of Kubernetes on the address with etcd on 127.0.0.1, and the custom resources of Knative
 * Serving and KEDA. RBAC decides on access. No controller, scheduler or kubelet runs, so stored objects have no effect.
 * Errors: `unavailable`.
 */
export async function startKubernetes(address = '127.0.0.1'): Promise<KubernetesServer> {
  const [programs, etcd] = await Promise.all([buildKubernetesPrograms(), installEtcd()])
  const home = await mkdtemp(join(tmpdir(), 'lares-kubernetes-'))
  const [port, clientPort, peerPort] = [await freePort(), await freePort(), await freePort()]
  const etcdUrl = `http://127.0.0.1:${clientPort}`
  const peerUrl = `http://127.0.0.1:${peerPort}`
  const etcdProcess = await startProgram(etcd, home, 'etcd', [
    ...[
      '--data-dir',
      join(home, 'data'),
      '--listen-client-urls',
      etcdUrl,
      '--advertise-client-urls',
      etcdUrl,
    ],
    ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ...['--initial-cluster', `default=${peerUrl}`, '--unsafe-no-fsync'],
  ])
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = join(home, 'key.pem')
  await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(join(home, 'tokens'), `${TOKEN},lares,lares,"system:masters"\n`)
  const server = await startProgram(join(programs, 'kube-apiserver'), home, 'kube-apiserver', [
    ...['--etcd-servers', etcdUrl, '--bind-address', address, '--secure-port', String(port)],
    ...['--cert-dir', join(home, 'certificates'), '--token-auth-file', join(home, 'tokens')],
    ...['--service-account-issuer', 'https://127.0.0.1', '--service-account-key-file', key],
    ...['--service-account-signing-key-file', key, '--authorization-mode', 'RBAC'],
    ...['--disable-admission-plugins', 'ServiceAccount', '--service-cluster-ip-range', '10.96.0.0/24'],
    // This feature needs a newer etcd than Debian's.
    ...['--feature-gates', 'WatchList=false'],
  ])
  const close = async () => {
    await server.end()
    await etcdProcess.end()
    await rm(home, { recursive: true, force: true })
  }
  try {
    const origin = `https://${address}:${port}`
    const { Agent, fetch } = await import('undici')
    // The server has created its certificate itself at this start.
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
    const api = async (method: string, path: string, body?: object, type = 'application/json') =>
      (await fetch(`${origin}${path}`, {
        method,
        dispatcher,
        headers: { authorization: `Bearer ${TOKEN}`, ...(body && { 'content-type': type }) },
        ...(body && { body: JSON.stringify(body) }),
      })) as unknown as Response
    await untilOk(() => api('GET', '/readyz'), server)
    await createCustomResourceDefinitions(
      api,
      `knative.dev/serving@${SERVING_VERSION}`,
      'config/core/300-resources',
    )
    await createCustomResourceDefinitions(api, KEDA_MODULE, 'config/crd/bases')
    for (const name of ['openfaas-fn', 'knative-serving', 'kourier-system'])
      await api('POST', '/api/v1/namespaces', { metadata: { name } })
    await untilOk(() => api('GET', '/apis/serving.knative.dev/v1/namespaces/openfaas-fn/services'))
    const kubeconfig = join(home, 'kubeconfig')
    await writeFile(kubeconfig, JSON.stringify(kubeconfigFor(origin)))
    return {
      version: KUBERNETES_VERSION,
      origin,
      kubeconfig,
      certificate: {
        cert: join(home, 'certificates', 'apiserver.crt'),
        key: join(home, 'certificates', 'apiserver.key'),
      },
      api,
      async close() {
        await dispatcher.destroy()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Kubernetes' own programs, with the version that they report. */
export const buildKubernetesPrograms = () =>
  buildGoPrograms({
    name: 'kubernetes',
    module: 'k8s.io/kubernetes',
    programs: {
      'kube-apiserver': './cmd/kube-apiserver',
      'kube-scheduler': './cmd/kube-scheduler',
      'kube-controller-manager': './cmd/kube-controller-manager',
    },
    version: `v${KUBERNETES_VERSION}`,
    staging: `v0.${KUBERNETES_VERSION.slice(2)}`,
    variables: [`k8s.io/component-base/version.gitVersion=v${KUBERNETES_VERSION}`],
    buildDuration: 'about eight minutes',
  })

/** A configuration for KUBECONFIG; default: a user with all rights. */
export const kubeconfigFor = (server: string, token = TOKEN) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'tests', cluster: { server, 'insecure-skip-tls-verify': true } }],
  users: [{ name: 'tests', user: { token } }],
  contexts: [{ name: 'tests', context: { cluster: 'tests', user: 'tests', namespace: 'openfaas-fn' } }],
  'current-context': 'tests',
})

/** Creates the custom resource definitions in a folder of a module. */
export async function createCustomResourceDefinitions(
  api: KubernetesServer['api'],
  module: string,
  path: string,
): Promise<void> {
  const folder = join(await downloadGoModule(module), path)
  for (const file of (await readdir(folder)).filter(name => name.endsWith('.yaml'))) {
    const definition = parse(await readFile(join(folder, file), 'utf8'))
    if (definition.kind !== 'CustomResourceDefinition') continue
    const answer = await api('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
    if (!answer.ok) throw new LaresError('unavailable', `${file}: ${await answer.text()}`)
  }
}

export type RunningProgram = { end(): Promise<void>; output(): Promise<string>; hasExited(): boolean }

/** Starts a program with its output in a file in `home`. */
export async function startProgram(
  binary: string,
  home: string,
  name: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<RunningProgram> {
  const file = join(home, `${name}.log`)
  const log = await open(file, 'a')
  const env = { ...process.env, ...environment }
  const child: ChildProcess = spawn(binary, args, { stdio: ['ignore', log.fd, log.fd], cwd: home, env })
  await once(child, 'spawn')
  await log.close()
  const hasExited = () => child.exitCode !== null || child.signalCode !== null
  return {
    hasExited,
    output: async () => `${name}: ${(await readFile(file, 'utf8')).slice(-2_000)}`,
    async end() {
      if (hasExited()) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

export async function untilOk(request: () => Promise<Response>, running?: RunningProgram): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const answer = await request().catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok) return
    if (running?.hasExited() || performance.now() > deadline)
      throw new LaresError('unavailable', `Kubernetes did not start: ${await running?.output()}`)
    await wait(100)
  }
}

/** Debian's etcd, unpacked from its package. Installed as a service, it would start at once. */
async function installEtcd(): Promise<string> {
  const folder = await cachedFolder('etcd-debian', draft =>
    unpackEtcd(draft).catch(cause => {
      throw new LaresError('unavailable', `etcd-server cannot be had from Debian: ${cause.message}`, {
        cause,
      })
    }),
  )
  return join(folder, 'usr', 'bin', 'etcd')
}

async function unpackEtcd(folder: string): Promise<void> {
  const download = () => run('apt-get', ['download', 'etcd-server'], { cwd: folder })
  // A machine that never updated Debian's package lists knows no packages yet.
  await download().catch(async () => {
    await run('apt-get', ['update'])
    await download()
  })
  const [archive] = (await readdir(folder)).filter(name => name.endsWith('.deb'))
  await run('dpkg', ['-x', join(folder, archive!), folder])
}
