import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { basicAuth, PASSWORD, startKnativeProvider } from '../provider.ts'
import type { KubernetesServer } from './kubernetes.ts'
import { startFakeKnativeController } from './simulated-knative-controller.ts'

export const NAMESPACE = 'openfaas-fn'
export const SERVICES_PATH = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}/services`
export const REVISIONS_PATH = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}/revisions`
export const POLICIES_PATH = `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies`
export const SECRETS_PATH = `/api/v1/namespaces/${NAMESPACE}/secrets`

/** A Knative Service or Revision as the API server stores it. */
export type StoredService = {
  metadata: {
    resourceVersion: string
    generation: number
    managedFields: { manager: string }[]
    annotations?: Record<string, string>
  }
  spec: {
    template: {
      metadata: { annotations: Record<string, string> }
      spec: { containers?: { image: string }[]; [key: string]: unknown }
    }
  }
}

/**
 * The provider's environment: services, which functions need too, and this machine's folders, which they do not need.
 */
export const PROVIDER_ENVIRONMENT: NodeJS.ProcessEnv = {
  DATABASE_URL: 'postgres://lares:first@timescaledb.lares:5432/lares',
  S3_SECRET_KEY: 'made-once',
  LARES_HOME: '/home/somebody',
}

/** A request in the format of faas-cli. */
export const deploymentRequest = (service: string, more: object = {}) => ({
  service,
  image: `registry.example/lares/${service}:1`,
  limits: { memory: '256Mi', cpu: '500m' },
  ...more,
})

/** The provider on a real API server, with simulated function pods and a simulated controller of Knative. */
export async function openKnativeProviderFixture(kubernetes: KubernetesServer) {
  process.env.KUBECONFIG = kubernetes.kubeconfig
  /** Answers with the request's path, and with a manifest while it is awake. */
  let isAwake = true
  const stubFunction = createServer((request, response) => {
    if (request.url === '/_/manifest' && !isAwake) return void request.socket.destroy()
    const manifest = { name: 'weather', topics: ['lares.skill.weather'], emits: [], uses: [], concurrency: 1 }
    response.end(request.url === '/_/manifest' ? JSON.stringify(manifest) : `answered ${request.url}`)
  })
  await new Promise<void>(resolve => stubFunction.listen(0, '127.0.0.1', resolve))
  const { port } = stubFunction.address() as AddressInfo
  const home = await mkdtemp(join(tmpdir(), 'lares-knative-'))
  const knative = startFakeKnativeController(kubernetes, () => `http://127.0.0.1:${port}`)
  let provider = await startKnativeProvider(home, PROVIDER_ENVIRONMENT)

  const system = (method: string, path: string, body?: unknown) =>
    fetch(`${provider.url}/system/${path}`, {
      method,
      headers: { authorization: basicAuth(PASSWORD) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  const stored = async (path: string) => {
    const answer = await kubernetes.api('GET', path)
    return answer.ok ? ((await answer.json()) as never) : undefined
  }
  return {
    home,
    knative,
    url: () => provider.url,
    stop: () => provider.close({ stopFunctions: false }),
    async start(environment = PROVIDER_ENVIRONMENT) {
      provider = await startKnativeProvider(home, environment)
    },
    sleep(asleep: boolean) {
      isAwake = !asleep
    },
    system,
    deploy: (service: string, more: object = {}) =>
      system('POST', 'functions', deploymentRequest(service, more)),
    stored,
    service: async (name: string) => (await stored(`${SERVICES_PATH}/${name}`)) as StoredService | undefined,
    listed: async () => (await (await system('GET', 'functions')).json()) as { name: string }[],
    async close() {
      await provider.close({ stopFunctions: false })
      await knative.close()
      stubFunction.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

export type KnativeProviderFixture = Awaited<ReturnType<typeof openKnativeProviderFixture>>
