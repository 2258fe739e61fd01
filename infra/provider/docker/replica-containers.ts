import type Docker from 'dockerode'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Replica } from '../fleet/replica.ts'
import {
  type ContainerOptions,
  containerCreateOptions,
  FUNCTION_PORT,
  LABELS,
  STOP_TIMEOUT_S,
} from './container.ts'
import { dockerErrorMessage } from './docker-error.ts'
import { demultiplexLog } from './logs.ts'
import { ipAddressOf } from './network.ts'

const TAIL_BYTES = 1_000

/** A container from an earlier run of this provider. */
export type LeftContainer = { replica: Replica; version: string; isPaused: boolean }

/** The containers of one provider's replicas. */
export type ReplicaContainers = {
  of(replica: Replica): Docker.Container
  /** Errors: `unavailable` with Docker's message. */
  create(options: ContainerOptions): Promise<Docker.Container>
  /** Resolves with the origin. Errors: `unavailable` with Docker's message or the container's output. */
  start(container: Docker.Container, network: string): Promise<string>
  /** True also while the daemon does not answer, because its containers may still run. */
  isRunning(replica: Replica): Promise<boolean>
  /** Sends SIGTERM, gives the function time to finish, and removes the container. */
  remove(replica: Replica): Promise<void>
  /** The last lines that the container printed. */
  tail(container: Docker.Container): Promise<string>
  /** All containers of this provider. */
  list(): Promise<LeftContainer[]>
}

export function openReplicaContainers(docker: Docker, provider: string): ReplicaContainers {
  const of = ({ handle }: Replica) => docker.getContainer(String(handle.container))
  return {
    of,
    create: options => docker.createContainer(containerCreateOptions(options)).catch(throwDockerError),
    async start(container, network) {
      await container.start().catch(throwDockerError)
      const address = await ipAddressOf(container, network)
      if (address !== undefined) return originAt(address)
      throw new LaresError('unavailable', `it ended: ${await tail(container)}`)
    },
    async isRunning(replica) {
      try {
        const { State, NetworkSettings } = await of(replica).inspect()
        // A container that somebody else has restarted may have another address.
        const origins = Object.values(NetworkSettings.Networks).map(({ IPAddress }) => originAt(IPAddress))
        return State.Running && !State.Paused && origins.includes(replica.origin)
      } catch (error) {
        return (error as { statusCode?: number }).statusCode !== 404
      }
    },
    async remove(replica) {
      const container = of(replica)
      await container.unpause().catch(ignoreAlreadyDone)
      await container.stop({ t: STOP_TIMEOUT_S }).catch(ignoreAlreadyDone)
      await container.remove({ force: true, v: true }).catch(ignoreAlreadyDone)
    },
    tail,
    async list() {
      const filters = { label: [`${LABELS.provider}=${provider}`] }
      return (await docker.listContainers({ all: true, filters })).map(leftContainerOf)
    },
  }
}

function leftContainerOf({ Id, Labels, State, NetworkSettings }: Docker.ContainerInfo): LeftContainer {
  const [network] = Object.values(NetworkSettings.Networks)
  const origin = originAt(network?.IPAddress)
  return {
    replica: { id: Labels[LABELS.instance]!, origin, handle: { container: Id } },
    version: Labels[LABELS.version]!,
    isPaused: State === 'paused',
  }
}

async function tail(container: Docker.Container): Promise<string> {
  const raw = await container.logs({ stdout: true, stderr: true, tail: 20 })
  return demultiplexLog(raw).trim().slice(-TAIL_BYTES)
}

const originAt = (address: string | undefined): string => `http://${address}:${FUNCTION_PORT}`

/** Docker answers 304, 404 or 409 when the container is already stopped, removed or not paused. */
function ignoreAlreadyDone(error: Error & { statusCode?: number }): void {
  if ([304, 404, 409].includes(error.statusCode ?? 0) || /is not paused/.test(error.message)) return
  throw error
}

function throwDockerError(cause: Error): never {
  throw new LaresError('unavailable', `Docker refuses it: ${dockerErrorMessage(cause)}`, { cause })
}
