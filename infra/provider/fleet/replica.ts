import type { LogLine, LogQuery, Secrets, Usage } from '../backend.ts'
import type { Deployment } from '../deployment.ts'

/** One running replica. `handle` is what its driver needs to find it again, as JSON. */
export type Replica = { id: string; origin: string; handle: Record<string, string | number> }

/** A version of a function, for good: `content` is what `contentOf` told when it was deployed. */
export type Release = { deployment: Deployment; content: string; version: string }

/** How one machine runs replicas. Drivers: `process` and `docker`. */
export type ReplicaDriver = {
  name: 'process' | 'docker'
  /**
   * Whether it can be run here at all; gives back what of it is not done here. Errors: `invalid_request`, as for an image
   * that is not there, a secret that is missing, or a constraint that this machine does not meet.
   */
  check(deployment: Deployment): Promise<string[]>
  /** What the image holds now, so that a deployment whose code has changed is a new version. */
  contentDigestOf(deployment: Deployment): Promise<string>
  /**
   * Resolves when it answers; `placed` is called with its origin as soon as it has one. Errors: `unavailable` with what it
   * said; nothing is left running then.
   */
  start(release: Release, placed?: (origin: string) => void): Promise<Replica>
  /** Whether it is still the same one, at its origin, and running. */
  isRunning(instance: Replica): Promise<boolean>
  /** Lets it finish what it does (SIGTERM), and ends it when it does not end. */
  stop(instance: Replica): Promise<void>
  /**
   * Instead of `stop`, for one that nobody needs now: it may be kept where it costs little, for `start` to take again.
   * It does not count as a replica meanwhile.
   */
  pause?(instance: Replica, release: Release): Promise<void>
  /** Ends what rests of a version that is not the function's any more. */
  stopPaused?(version: string): Promise<void>
  /** Ends what a crash left behind: all that it runs, but these instances and what rests of these versions. */
  stopOrphans?(instances: Replica[], versions: string[]): Promise<void>
  usage(instance: Replica): Promise<Usage | undefined>
  secrets: Secrets
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>
  /** Forgets what it keeps of a function that is removed. */
  cleanUp(name: string): Promise<void>
  /** With `stopFunctions` what rests is ended too. */
  close(options: { stopFunctions: boolean }): Promise<void>
}
