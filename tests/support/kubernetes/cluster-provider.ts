import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { ROOT } from '../docker/docker.ts'
import { PASSWORD } from '../provider.ts'
import { until } from '../until.ts'
import { CLUSTER_LABEL, type ClusterNetwork } from './cluster-network.ts'

const START_TIMEOUT_MS = 60_000

export type ClusterProviderOptions = {
  kubeconfig: string
  /** An image with Node. */
  image: string
  environment: Record<string, string>
  port: number
}

/**
 * Starts the provider of this checkout in a container. It resolves the names of a cluster, and reaches this machine's
 * loopback with the registry of images.
 */
export async function startClusterProvider(
  network: ClusterNetwork,
  { kubeconfig, image, environment, port }: ClusterProviderOptions,
) {
  const home = await mkdtemp(join(tmpdir(), 'lares-provider-'))
  const resolvConf = join(home, 'resolv.conf')
  await writeFile(resolvConf, `nameserver ${network.dnsAddress}\n`)
  const container = await new Docker().createContainer({
    Image: image,
    Labels: { [CLUSTER_LABEL]: 'provider' },
    WorkingDir: '/lares',
    Cmd: ['node', 'infra/provider/main.ts', '--backend', 'knative'],
    Env: [
      `PROVIDER_PORT=${port}`,
      `PROVIDER_PASSWORD=${PASSWORD}`,
      'KUBECONFIG=/kubeconfig',
      'LARES_HOME=/home/lares',
      ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ],
    HostConfig: {
      NetworkMode: 'host',
      Binds: [
        `${ROOT}:/lares:ro`,
        `${kubeconfig}:/kubeconfig:ro`,
        `${home}:/home/lares`,
        `${resolvConf}:/etc/resolv.conf:ro`,
      ],
    },
  })
  await container.start()
  const url = `http://127.0.0.1:${port}`
  const readOutput = async () => (await container.logs({ stdout: true, stderr: true, tail: 50 })).toString()
  const close = async () => {
    await container.remove({ force: true })
    await rm(home, { recursive: true, force: true })
  }
  try {
    await until(async () => (await fetch(`${url}/healthz`).catch(() => undefined))?.ok, START_TIMEOUT_MS)
  } catch (cause) {
    const output = await readOutput()
    await close()
    throw new Error(`the provider did not start: ${output}`, { cause })
  }
  return { url, said: readOutput, close }
}
