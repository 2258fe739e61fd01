import type Docker from 'dockerode'
import type { Deployment } from '../deployment.ts'
import { EGRESS } from '../egress.ts'

export const FUNCTIONS = 'lares-functions'
const INTERNAL = 'lares-functions-internal'

/**
 * The network of a function: apart from other containers, and without a way between functions; with `com.lares.egress: none`
 * also without a way out. Made at first use. A network that is given is used as it is.
 */
export function networkFor(docker: Docker, given: string | undefined): (one: Deployment) => Promise<string> {
  const made = new Map<string, Promise<void>>()
  const make = (name: string) => {
    const making = made.get(name) ?? ensure(docker, name, name === INTERNAL)
    made.set(name, making)
    making.catch(() => made.delete(name))
    return making
  }
  return async ({ annotations }) => {
    if (annotations[EGRESS]?.trim() === 'none') return await make(INTERNAL).then(() => INTERNAL)
    if (given !== undefined) return given
    return await make(FUNCTIONS).then(() => FUNCTIONS)
  }
}

async function ensure(docker: Docker, name: string, internal: boolean): Promise<void> {
  const found = await docker.listNetworks({ filters: { name: [name] } })
  if (found.some(({ Name }) => Name === name)) return
  await docker
    .createNetwork({
      Name: name,
      CheckDuplicate: true,
      Driver: 'bridge',
      Internal: internal,
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
    })
    .catch(cause => {
      // Another provider was quicker.
      if (cause.statusCode !== 409) throw cause
    })
}

/** Undefined when it has none, as when it has ended. */
export async function addressOf(container: Docker.Container, network: string): Promise<string | undefined> {
  const { NetworkSettings } = await container.inspect()
  return NetworkSettings.Networks[network]?.IPAddress || undefined
}
