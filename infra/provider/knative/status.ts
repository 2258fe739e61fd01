import type { Condition, Pod, Service } from './cluster.ts'

export const MIN_SCALE_ANNOTATION = 'autoscaling.knative.dev/min-scale'
export const MAX_SCALE_ANNOTATION = 'autoscaling.knative.dev/max-scale'

/** One restart may be chance. */
const MIN_RESTARTS_OF_CRASH_LOOP = 2

export const conditionOf = (
  { status }: { status?: { conditions?: Condition[] } },
  type: string,
): Condition | undefined => status?.conditions?.find(condition => condition.type === type)

/** Whether the version that was applied last answers. */
export const isReady = (service: Service): boolean =>
  (service.status?.observedGeneration ?? 0) >= (service.metadata.generation ?? 1) &&
  conditionOf(service, 'Ready')?.status === 'True'

/** The Service's address inside the cluster, which bypasses the ingress; from outside its URL. */
export const originOf = ({ status }: Service): string | undefined =>
  (status?.address?.url ?? status?.url)?.replace(/\/$/, '')

/** The minimum scale of a revision, or of the template for new revisions. */
export const minScaleIn = ({ metadata }: { metadata?: { annotations?: Record<string, string> } }): number =>
  Number(metadata?.annotations?.[MIN_SCALE_ANNOTATION] ?? 0)

/** Recognises the scheduler's message for a pod that fits on no node. */
export const isUnschedulable = (message: string): boolean => /\b0\/\d+ nodes are available/.test(message)

/** The last message of a container in a crash loop; undefined when no container of the pod is in one. */
export function crashReasonOf({ status }: Pod): string | undefined {
  const crashed = status?.containerStatuses?.find(
    ({ ready, restartCount, lastState }) =>
      !ready && restartCount >= MIN_RESTARTS_OF_CRASH_LOOP && lastState?.terminated,
  )
  if (!crashed) return undefined
  const { exitCode, reason, message } = crashed.lastState!.terminated!
  const detail = message?.trim() || reason || 'it gives no reason'
  return `the container ${crashed.name} ends as it starts, again and again, with ${exitCode}: ${detail}`
}
