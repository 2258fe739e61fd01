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
 * - What is deployed survives a crash of the provider: when it is opened again, replicas that still run are found and
 *   kept, and those that ended are started again.
 * Errors are `LaresError`s: `invalid_request` for what can never be, with the reason; `unavailable` for what cannot be now.
 */
export type Backend = {
  name: 'process' | 'docker' | 'knative'
  /** Who decides how many replicas run: the provider's autoscaler, or the backend by itself. */
  scaledBy: 'provider' | 'backend'
  list(): DeployedFunction[]
  /** Errors: `not_found`. */
  get(name: string): DeployedFunction
  /** Resolves with whether anything had to be changed. */
  deploy(deployment: Deployment): Promise<boolean>
  /** Errors: `not_found`. */
  remove(name: string): Promise<void>
  /** How many replicas there shall be; resolves when they are there. Errors: `not_found`, `unavailable`. */
  scale(name: string, replicas: number): Promise<void>
  /**
   * A replica for one request, which is given back by `release`; waits for one to start when none runs.
   * Errors: `not_found`, `unavailable` when it cannot be started.
   */
  acquire(name: string): Lease | Promise<Lease>
  /** Since the functions were started: what they use now, of all replicas. */
  usage(name: string): Promise<Usage | undefined>
  secrets: Secrets
  /** Lines that a function wrote, the oldest first; with `follow` those to come too, until the signal. */
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>
  /** Ends the provider's part. With `stopFunctions` the replicas too; else they go on running and are found again. */
  /** Ends deployments that only wait for what goes on without the provider; the next start ends them. Before `close`. */
  abortRollouts?(): void
  close(options: { stopFunctions: boolean }): Promise<void>
}

export type DeployedFunction = {
  deployment: Deployment
  createdAt: number
  /** What the function tells of itself; undefined for one that speaks another contract. */
  manifest: Manifest | undefined
  /** How many there shall be, and how many answer. */
  replicas: number
  availableReplicas: number
  activity: Activity
  /** What is asked for and not done here, as a limit that this machine cannot hold it to. */
  notices: string[]
}

/** What the autoscaler decides by. */
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
