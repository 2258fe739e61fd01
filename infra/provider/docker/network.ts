import type Docker from 'dockerode'
import type { Deployment } from '../deployment.ts'
import { EGRESS_ANNOTATION } from '../egress.ts'

export const FUNCTIONS_NETWORK = 'lares-functions'
const INTERNAL_NETWORK = 'lares-functions-internal'

/**
 * Resolves the network of a function. It is separate from other containers and lets no traffic pass between functions.
 * With `com.lares.egress: none` it also has no route to the outside. It is created at first use. A configured network
 * is used unchanged.
 */
export function openNetworkResolver(
  docker: Docker,
  configuredNetwork: string | undefined,
): (one: Deployment) => Promise<string> {
  const creations = new Map<string, Promise<void>>()
  const ensureOnce = (name: string) => {
    const creation = creations.get(name) ?? ensureNetwork(docker, name, name === INTERNAL_NETWORK)
    creations.set(name, creation)
    creation.catch(() => creations.delete(name))
    return creation
  }
  return async ({ annotations }) => {
    if (annotations[EGRESS_ANNOTATION]?.trim() === 'none')
      return await ensureOnce(INTERNAL_NETWORK).then(() => INTERNAL_NETWORK)
    if (configuredNetwork !== undefined) return configuredNetwork
    return await ensureOnce(FUNCTIONS_NETWORK).then(() => FUNCTIONS_NETWORK)
  }
}

async function ensureNetwork(docker: Docker, name: string, internal: boolean): Promise<void> {
  const existing = await docker.listNetworks({ filters: { name: [name] } })
  if (existing.some(({ Name }) => Name === name)) return
  await docker
    .createNetwork({
      Name: name,
      CheckDuplicate: true,
      Driver: 'bridge',
      Internal: internal,
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
    })
    .catch(cause => {
      // Another provider created it first.
      if (cause.statusCode !== 409) throw cause
    })
}

/** Undefined when it has no address, for example because it has ended. */
export async function ipAddressOf(container: Docker.Container, network: string): Promise<string | undefined> {
  const { NetworkSettings } = await container.inspect()
  return NetworkSettings.Networks[network]?.IPAddress || undefined
}
