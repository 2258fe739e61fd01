import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { V1Container, V1EnvVar, V1Pod } from '@kubernetes/client-node'
import Docker from 'dockerode'
import { parseQuantity } from '../../../infra/provider/quantity.ts'
import { CLUSTER_LABEL, type ClusterNetwork } from './cluster-network.ts'
import type { KubernetesServer } from './kubernetes.ts'

export type PodDependencies = {
  api: KubernetesServer['api']
  docker: Docker
  network: ClusterNetwork
  home: string
  kubeconfig: string
}

/** kill -9. The kubelet starts the container again. */
export const killContainer = (pod: V1Pod, name: string): Promise<unknown> =>
  new Docker().getContainer(containerNameOf(pod, { name })).kill()

export const containerNameOf = (pod: V1Pod, { name }: { name: string }): string =>
  `lares-pod-${pod.metadata!.uid}-${name}`

/**
 * Creates the container `one` of the pod, with the address `ip` or in the network of `holder`. Its rights, mounts and
 * variables are those in the pod.
 */
export async function createContainer(
  one: V1Container,
  pod: V1Pod,
  { ip, holder }: { ip: string; holder: string | undefined },
  dependencies: PodDependencies,
): Promise<Docker.Container> {
  const { docker, network, kubeconfig } = dependencies
  const isSystem = pod.metadata!.namespace !== 'openfaas-fn'
  await ensureImage(docker, one.image!)
  const env: Record<string, string> = {}
  for (const { secretRef } of one.envFrom ?? [])
    if (secretRef) Object.assign(env, await readSecretData(secretRef.name!, pod, dependencies))
  for (const each of one.env ?? []) env[each.name] = await resolveVariable(each, pod, ip, dependencies)
  if (isSystem) env.KUBECONFIG = '/kubeconfig'
  const expand = (text: string) => text.replace(/\$\((\w+)\)/g, (all, name) => env[name] ?? all)
  const context = { ...pod.spec!.securityContext, ...one.securityContext }
  const { memory, cpu } = (one.resources?.limits ?? {}) as Record<string, string>
  const name = containerNameOf(pod, one)
  await docker
    .getContainer(name)
    .remove({ force: true })
    .catch(() => undefined)
  return await docker.createContainer({
    name,
    Image: one.image!,
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    Labels: { [CLUSTER_LABEL]: pod.metadata!.name! },
    ...(one.command && { Entrypoint: one.command.map(expand) }),
    ...(one.args && { Cmd: one.args.map(expand) }),
    ...(context.runAsUser !== undefined && { User: `${context.runAsUser}:${context.runAsGroup ?? ''}` }),
    HostConfig: {
      NetworkMode: holder ? `container:${holder}` : network.name,
      ReadonlyRootfs: context.readOnlyRootFilesystem ?? false,
      CapDrop: context.capabilities?.drop ?? [],
      SecurityOpt: ['no-new-privileges'],
      ...(memory && { Memory: parseQuantity(memory, 'memory') }),
      ...(cpu && { NanoCpus: Math.round(parseQuantity(cpu, 'cpu') * 1e9) }),
      ...(!holder && { Dns: [network.dnsAddress], DnsSearch: ['svc.cluster.local'] }),
      ...(await volumesOf(one, pod, dependencies)),
    },
    ...(!holder && {
      NetworkingConfig: { EndpointsConfig: { [network.name]: { IPAMConfig: { IPv4Address: ip } } } },
    }),
  })

  async function volumesOf(
    { volumeMounts = [] }: V1Container,
    { spec, metadata }: V1Pod,
    { home }: PodDependencies,
  ) {
    const binds = isSystem ? [`${kubeconfig}:/kubeconfig:ro`] : []
    const tmpfs: Record<string, string> = {}
    for (const { name: volume, mountPath, subPath } of volumeMounts) {
      const { emptyDir, configMap, secret, projected } = spec!.volumes!.find(one => one.name === volume)!
      if (emptyDir) tmpfs[mountPath] = `mode=1777,size=${parseQuantity(emptyDir.sizeLimit ?? '1Gi', volume)}`
      const folder = join(home, metadata!.uid!, volume)
      await mkdir(folder, { recursive: true })
      const files: Record<string, string> = {}
      if (configMap)
        Object.assign(files, await readObjectData('configmaps', configMap.name!, pod, dependencies))
      const secrets = [secret?.secretName, ...(projected?.sources ?? []).map(source => source.secret?.name)]
      for (const one of secrets.filter(one => one !== undefined))
        Object.assign(files, await readSecretData(one, pod, dependencies))
      for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content)
      if (!emptyDir) binds.push(`${subPath ? join(folder, subPath) : folder}:${mountPath}:ro`)
    }
    return { Binds: binds, Tmpfs: tmpfs }
  }
}

async function ensureImage(docker: Docker, image: string): Promise<void> {
  if (
    await docker
      .getImage(image)
      .inspect()
      .catch(() => undefined)
  )
    return
  const progress = await docker.pull(image)
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(progress, error => (error ? reject(error) : resolve())),
  )
}

async function resolveVariable(
  { name, value, valueFrom }: V1EnvVar,
  pod: V1Pod,
  ip: string,
  dependencies: PodDependencies,
): Promise<string> {
  const { fieldRef, secretKeyRef } = valueFrom ?? {}
  if (secretKeyRef)
    return (await readSecretData(secretKeyRef.name!, pod, dependencies))[secretKeyRef.key] ?? ''
  const fields: Record<string, string | undefined> = {
    'metadata.name': pod.metadata!.name,
    'metadata.namespace': pod.metadata!.namespace,
    'status.podIP': ip,
    'status.hostIP': dependencies.network.gateway,
    'spec.nodeName': pod.spec!.nodeName,
  }
  if (fieldRef && fields[fieldRef.fieldPath] === undefined)
    throw new Error(`${name}: ${fieldRef.fieldPath} is not known here`)
  return fieldRef ? fields[fieldRef.fieldPath]! : (value ?? '')
}

async function readObjectData(
  kind: string,
  name: string,
  pod: V1Pod,
  { api }: PodDependencies,
): Promise<Record<string, string>> {
  const answer = await api('GET', `/api/v1/namespaces/${pod.metadata!.namespace}/${kind}/${name}`)
  if (!answer.ok) throw new Error(`${kind} ${name}: ${await answer.text()}`)
  return ((await answer.json()) as { data?: Record<string, string> }).data ?? {}
}

async function readSecretData(
  name: string,
  pod: V1Pod,
  dependencies: PodDependencies,
): Promise<Record<string, string>> {
  const data = await readObjectData('secrets', name, pod, dependencies)
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  )
}
