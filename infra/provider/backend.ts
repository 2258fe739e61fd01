import type { Manifest } from '../../shared/contract/catalogue.ts'
import type { Deployment } from './deployment.ts'

/**
 * The backend that runs functions. Drivers: `process`, `docker` (both through `fleet`, which runs their replicas) and
 * `knative`.
 *
 * Guarantees:
 * - `deploy` is all or nothing. It resolves when the new version answers. When it rejects, the earlier version
 *   continues to run and answer. Deploying the same again changes nothing.
 * - A version finishes the requests that it has accepted. The old or the new version answers a request that arrives
 *   during an update. A request that arrives when no replica runs waits for one to start.
 * - Deployments survive a crash of the provider. The next start finds the replicas that still run, and restarts those
 *   that have ended.
 * Errors are `LaresError`s with the reason: `invalid_request` when a request can never be fulfilled, `unavailable` when
 * it cannot be fulfilled now.
 */
export type Backend = {
  name: 'process' | 'docker' | 'knative'
  /** The part that decides how many replicas run: the provider's autoscaler, or the backend itself. */
  scaledBy: 'provider' | 'backend'
  list(): DeployedFunction[]
  /** Errors: `not_found`. */
  get(name: string): DeployedFunction
  /** Resolves with whether the backend changed anything. */
  deploy(deployment: Deployment): Promise<boolean>
  /** Errors: `not_found`. */
  remove(name: string): Promise<void>
  /** Sets the desired number of replicas, and resolves when they run. Errors: `not_found`, `unavailable`. */
  scale(name: string, replicas: number): Promise<void>
  /**
   * Leases a replica for one request, until `release`. Waits for one to start when none runs. Errors: `not_found`,
   * `unavailable` when the replica cannot be started.
   */
  acquire(name: string): Lease | Promise<Lease>
  /**
   * CPU time since the start and present memory, summed over all replicas. Undefined when the usage of one is not
   * known.
   */
  usage(name: string): Promise<Usage | undefined>
  secrets: Secrets
  /** Log lines of a function, the oldest first; with `follow` also new lines, until the signal. */
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>
  /** Ends the wait for rollouts that go on without the provider; its next start resumes them. Call it before `close`. */
  abortRollouts?(): void
  /**
   * Closes the provider's part. With `stopFunctions` it ends the replicas too. Otherwise they continue to run, and the
   * next start finds them.
   */
  close(options: { stopFunctions: boolean }): Promise<void>
}

export type DeployedFunction = {
  deployment: Deployment
  createdAt: number
  /** The function's own description; undefined for a function that implements another contract. */
  manifest: Manifest | undefined
  /** The desired number of replicas; `availableReplicas` is the number that answer. */
  replicas: number
  availableReplicas: number
  activity: Activity
  /**
   * Parts of the deployment that the backend does not fulfil here, such as a limit that this machine cannot enforce.
   */
  notices: string[]
}

/** The load of a function; the autoscaler uses it to decide. */
export type Activity = { inFlight: number; completed: number; waiting: number; lastUsedAt: number }

export type Usage = { cpuMs: number; memoryBytes: number }

export type Lease = {
  /** For example http://127.0.0.1:41234 */
  origin: string
  /** `gone` means that no server answered at the origin. */
  release(outcome: 'answered' | 'gone'): void
}

export type Secrets = {
  list(): Promise<string[]>
  /** Errors: `conflict` when it should create an existing secret, `not_found` when it should replace a missing one. */
  put(name: string, value: Buffer, mode: 'create' | 'replace'): Promise<void>
  /** Errors: `not_found`. */
  remove(name: string): Promise<void>
}

export type LogQuery = {
  name: string
  /** One replica of the function. */
  instance?: string
  sinceMs?: number
  /** The number of last lines; all lines without it. */
  tail?: number
  follow: boolean
}

export type LogLine = { name: string; namespace: string; instance: string; timestamp: string; text: string }
