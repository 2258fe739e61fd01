import type { Condition, Service } from './knative-cluster.ts'

const MIN_SCALE = 'autoscaling.knative.dev/min-scale'

export const conditionOf = (
  { status }: { status?: { conditions?: Condition[] } },
  type: string,
): Condition | undefined => status?.conditions?.find(condition => condition.type === type)

/** Of the version that was asked for last. */
export const isReady = (service: Service): boolean =>
  (service.status?.observedGeneration ?? 0) >= (service.metadata.generation ?? 1) &&
  conditionOf(service, 'Ready')?.status === 'True'

/** Inside the cluster by its address, which no ingress stands before; from outside by its URL. */
export const originOf = ({ status }: Service): string | undefined =>
  (status?.address?.url ?? status?.url)?.replace(/\/$/, '')

export const minScaleIn = ({ spec }: Service): number =>
  Number(spec.template.metadata?.annotations?.[MIN_SCALE] ?? 0)
