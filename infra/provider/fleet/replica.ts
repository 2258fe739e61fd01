import type { LogLine, LogQuery, Secrets, Usage } from '../backend.ts'
import type { Deployment } from '../deployment.ts'

/** One running replica. `handle` contains, as JSON, the data by which its driver finds it again. */
export type Replica = { id: string; origin: string; handle: Record<string, string | number> }

/** A version of a function, which never changes: `content` is the result of `contentDigestOf` at its deployment. */
export type Release = { deployment: Deployment; content: string; version: string }

/** The driver that runs replicas on one machine. Drivers: `process` and `docker`. */
export type ReplicaDriver = {
  name: 'process' | 'docker'
  /**
   * Checks whether the function can run here, and resolves with notices of requests that are not fulfilled. Errors:
   * `invalid_request`, for example for a missing image or secret, or a constraint that this machine does not meet.
   */
  check(deployment: Deployment): Promise<string[]>
  /** Identifies the image's present content, so that a deployment with changed code is a new version. */
  contentDigestOf(deployment: Deployment): Promise<string>
  /**
   * Resolves when the replica answers. Calls `placed` with its origin as soon as it has one. Errors: `unavailable` with
   * the replica's last lines; then no part of it continues to run.
   */
  start(release: Release, placed?: (origin: string) => void): Promise<Replica>
  /** Whether this replica still runs, at its origin. */
  isRunning(instance: Replica): Promise<boolean>
  /** Sends SIGTERM, so that the replica finishes its requests, and kills it when it does not end. */
  stop(instance: Replica): Promise<void>
  /**
   * Replaces `stop` for a replica that nobody needs now. The driver may keep it at low cost, and `start` may use it
   * again. It does not count as a replica meanwhile.
   */
  pause?(instance: Replica, release: Release): Promise<void>
  /** Ends the paused replicas of a version that has been replaced. */
  stopPaused?(version: string): Promise<void>
  /** Ends the replicas that a crash left behind: all except these, and except paused ones of these versions. */
  stopOrphans?(instances: Replica[], versions: string[]): Promise<void>
  usage(instance: Replica): Promise<Usage | undefined>
  secrets: Secrets
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>
  /** Removes the data of a removed function, such as its logs. */
  cleanUp(name: string): Promise<void>
  /** With `stopFunctions` it also ends paused replicas. */
  close(options: { stopFunctions: boolean }): Promise<void>
}
