import type { Manifest } from '../../shared/contract/catalogue.ts'
import type { Deployment } from './deployment.ts'

/**
 * Where functions run. Drivers: `process`, `docker` (both through `fleet`, which runs their replicas) and `knative`.
 *
 * Guarantees:
 * - `deploy` is all or nothing. It resolves when the new version answers; when it rejects, what ran before goes on
 *   running and answering. Deploying what is already there changes nothing.
 * - Requests that a version has taken are finished by it; a request that arrives during an update is answered by the old
 *   version or the new one. One that arrives when no replica runs waits for one to start.
 * - Deployments survive a crash of the provider. The next start finds the replicas that still run, and starts those again
 *   that have ended.
 * Errors are `LaresError`s with the reason: `invalid_request` when a request can never be fulfilled, `unavailable` when it
 * cannot be fulfilled now.
 */
export type Backend = {
  name: 'process' | 'docker' | 'knative'
  /** The part that decides how many replicas run: the provider's autoscaler, or the backend itself. */
  scaledBy: 'provider' | 'backend'
  list(): DeployedFunction[]
  /** Errors: `not_found`. */
  get(name: string): DeployedFunction
  /** Resolves with whether anything had to be changed. */
  deploy(deployment: Deployment): Promise<boolean>
  /** Errors: `not_found`. */
  remove(name: string): Promise<void>
  /** Sets how many replicas are wanted, and resolves when they run. Errors: `not_found`, `unavailable`. */
  scale(name: string, replicas: number): Promise<void>
  /**
   * A replica for one request, which is given back by `release`; waits for one to start when none runs.
   * Errors: `not_found`, `unavailable` when it cannot be started.
   */
  acquire(name: string): Lease | Promise<Lease>
  /** CPU time since the start and memory now, summed over all replicas; undefined when one is not known. */
  usage(name: string): Promise<Usage | undefined>
  secrets: Secrets
  /** Lines that a function wrote, the oldest first; with `follow` those to come too, until the signal. */
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>
  /** Ends the wait for rollouts that go on without the provider; its next start resumes them. Call it before `close`. */
  abortRollouts?(): void
  /** Ends the provider's part. With `stopFunctions` the replicas end too; otherwise they run on and the next start finds them. */
  close(options: { stopFunctions: boolean }): Promise<void>
}

export type DeployedFunction = {
  deployment: Deployment
  createdAt: number
  /** The function's own description; undefined for a function that implements another contract. */
  manifest: Manifest | undefined
  /** How many replicas are wanted, and how many answer. */
  replicas: number
  availableReplicas: number
  activity: Activity
  /** Requests of the deployment that the backend does not fulfil here, as a limit that this machine cannot enforce. */
  notices: string[]
}

/** The load of a function, by which the autoscaler decides. */
export type Activity = { inFlight: number; completed: number; waiting: number; lastUsedAt: number }

export type Usage = { cpuMs: number; memoryBytes: number }

export type Lease = {
  /** As in http://127.0.0.1:41234 */
  origin: string
  /** `gone` says that nothing answered there. */
  release(outcome: 'answered' | 'gone'): void
}

export type Secrets = {
  list(): Promise<string[]>
  /** Errors: `conflict` when it is to be created and exists, `not_found` when it is to be replaced and does not exist. */
  put(name: string, value: Buffer, mode: 'create' | 'replace'): Promise<void>
  /** Errors: `not_found`. */
  remove(name: string): Promise<void>
}

export type LogQuery = {
  name: string
  /** One replica of it. */
  instance?: string
  sinceMs?: number
  /** So many of the last lines that are there; all of them without it. */
  tail?: number
  follow: boolean
}

export type LogLine = { name: string; namespace: string; instance: string; timestamp: string; text: string }
