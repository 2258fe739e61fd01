import { createSocket } from 'node:dgram'
import { createServer, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import type { V1Endpoints, V1Service } from '@kubernetes/client-node'
import packets from 'dns-packet'
import Docker from 'dockerode'
import type { KubernetesServer } from './kubernetes.ts'

const DOMAIN = '.svc.cluster.local'
const NETWORK_NAME = 'lares-tests-cluster'
/** The label of all containers on the network. */
export const CLUSTER_LABEL = 'lares.tests.cluster'
/** The network has a configured subnet, because Docker assigns chosen addresses only on such a network. */
const ADDRESS_PREFIX = '10.211.7'
const FIRST_ADDRESS = 10
const MAX_ADDRESS = 250
/**
 * The address of NodeLocal DNSCache (https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/). It is a
 * process of the node and not a pod, so a network policy cannot select it.
 */
const DNS_ADDRESS = '169.254.20.10'

export type ClusterNetwork = {
  /** The name of Docker's network. */
  name: string
  /** The address of this machine on the network. */
  gateway: string
  /** The address of the DNS server on this machine. */
  dnsAddress: string
  /** An address that no container has had for long. */
  nextAddress(): string
  close(): Promise<void>
}

/**
 * A network of Docker on which services have the names and port 80 of a cluster's DNS and kube-proxy. Names resolve to
 * this machine, which forwards requests to an endpoint of the named service. A service with other ports resolves to the
 * addresses of its endpoints. Needs port 80 of the network's own address.
 */
export async function openClusterNetwork(api: KubernetesServer['api']): Promise<ClusterNetwork> {
  const docker = new Docker()
  // An interrupted run leaves these.
  for (const { Id } of await docker.listContainers({ all: true, filters: { label: [CLUSTER_LABEL] } }))
    await docker.getContainer(Id).remove({ force: true })
  const createNetwork = async (name: string, subnet: string, gateway: string) => {
    await docker
      .getNetwork(name)
      .remove()
      .catch(() => undefined)
    const IPAM = { Config: [{ Subnet: subnet, Gateway: gateway }] }
    return await docker.createNetwork({ Name: name, Driver: 'bridge', IPAM })
  }
  const gateway = `${ADDRESS_PREFIX}.1`
  const network = await createNetwork(NETWORK_NAME, `${ADDRESS_PREFIX}.0/24`, gateway)
  // This network exists only for its address; it has no containers.
  const dnsNetwork = await createNetwork(`${NETWORK_NAME}-names`, '169.254.20.8/29', DNS_ADDRESS)
  const dnsServer = await startDnsServer(DNS_ADDRESS, api, gateway)
  const serviceProxy = await startServiceProxy(gateway, api)
  let last = FIRST_ADDRESS - 1
  return {
    name: NETWORK_NAME,
    gateway,
    dnsAddress: DNS_ADDRESS,
    nextAddress() {
      last = last < MAX_ADDRESS ? last + 1 : FIRST_ADDRESS
      return `${ADDRESS_PREFIX}.${last}`
    },
    async close() {
      dnsServer.close()
      serviceProxy.close()
      for (const one of [network, dnsNetwork]) await one.remove().catch(() => undefined)
    },
  }
}

type Api = KubernetesServer['api']

async function findService(host: string, api: Api): Promise<V1Service | undefined> {
  const [name, namespace] = host.replace(/\.$/, '').replace(DOMAIN, '').split('.')
  const answer = await api('GET', `/api/v1/namespaces/${namespace}/services/${name}`)
  return answer.ok ? ((await answer.json()) as V1Service) : undefined
}

/** The endpoints of a service behind its port `port`. */
async function endpointsOf(service: V1Service, port: number, api: Api) {
  const { namespace, name } = service.metadata!
  const answer = await api('GET', `/api/v1/namespaces/${namespace}/endpoints/${name}`)
  const { subsets = [] } = answer.ok ? ((await answer.json()) as V1Endpoints) : {}
  const portName = service.spec!.ports?.find(one => one.port === port)?.name
  return subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports
      .filter(one => one.name === portName)
      .flatMap(one => addresses.map(({ ip }) => ({ host: ip, port: one.port }))),
  )
}

async function startDnsServer(address: string, api: Api, serviceProxyAddress: string) {
  const socket = createSocket('udp4')
  socket.on('message', async (bytes, sender) => {
    const { id, questions = [] } = packets.decode(bytes)
    const [question] = questions
    const service = question?.name.endsWith(DOMAIN)
      ? await findService(question.name, api).catch(() => undefined)
      : undefined
    const answers = service && question?.type === 'A' ? await addressesOf(service) : []
    const answer = packets.encode({
      type: 'response',
      id: id!,
      // A name without an address of this kind still exists.
      flags: packets.AUTHORITATIVE_ANSWER | packets.RECURSION_AVAILABLE | (service ? 0 : DNS_NXDOMAIN),
      questions,
      answers: answers.map(data => ({ type: 'A', name: question!.name, ttl: 0, data })),
    })
    socket.send(answer, sender.port, sender.address)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(53, address, resolve)
  })
  return socket

  async function addressesOf(service: V1Service): Promise<string[]> {
    const { type, ports = [] } = service.spec!
    if (type === 'ExternalName' || ports.some(({ port }) => port === 80)) return [serviceProxyAddress]
    return (await endpointsOf(service, ports[0]!.port, api)).map(({ host }) => host)
  }
}
const DNS_NXDOMAIN = 3

async function startServiceProxy(address: string, api: Api) {
  const pickEndpoint = async ({ headers }: IncomingMessage) => {
    let service = await findService(headers.host!.replace(/:\d+$/, ''), api)
    if (service?.spec?.type === 'ExternalName') service = await findService(service.spec.externalName!, api)
    const endpoints = service ? await endpointsOf(service, 80, api) : []
    return endpoints[Math.floor(Math.random() * endpoints.length)]
  }
  const server = createServer(async (incoming, outgoing) => {
    const endpoint = await pickEndpoint(incoming).catch(() => undefined)
    // Behaves like an address without a listener.
    if (!endpoint) return void incoming.socket.destroy()
    const { method, url, headers } = incoming
    const upstream = request({ ...endpoint, method, path: url, headers }, answer => {
      outgoing.writeHead(answer.statusCode!, answer.statusMessage, answer.headers)
      outgoing.flushHeaders()
      answer.pipe(outgoing)
      answer.once('error', () => outgoing.destroy())
    })
    upstream.once('error', () => incoming.socket.destroy())
    outgoing.once('close', () => upstream.destroy())
    incoming.pipe(upstream)
  })
  server.on('upgrade', async (incoming, socket, head) => {
    const endpoint = await pickEndpoint(incoming).catch(() => undefined)
    if (!endpoint) return void socket.destroy()
    const upstream = connect(endpoint.port, endpoint.host, () => {
      const lines = incoming.rawHeaders.flatMap((name, at, all) =>
        at % 2 ? [] : [`${name}: ${all[at + 1]}`],
      )
      upstream.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.once('error', () => socket.destroy())
    socket.once('error', () => upstream.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(80, address, resolve)
  })
  return {
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
