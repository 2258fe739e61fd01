import type { Activity, Lease } from '../backend.ts'

/** Counts the requests of each function, for a backend that knows its functions but not their replicas. */
export type Activities = {
  activityOf(name: string): Activity
  /** Counts a request until its lease is released. */
  lease(name: string, origin: string): Lease
  /** Resets the count, so that a function deployed again starts from zero. */
  remove(name: string): void
}

export function openActivities(now: () => number): Activities {
  const activities = new Map<string, Activity>()
  const activityOf = (name: string): Activity => {
    const activity = activities.get(name) ?? { inFlight: 0, completed: 0, waiting: 0, lastUsedAt: now() }
    activities.set(name, activity)
    return activity
  }
  return {
    activityOf,
    lease(name, origin) {
      const activity = activityOf(name)
      let isReleased = false
      activity.inFlight++
      return {
        origin,
        release() {
          if (isReleased) return
          isReleased = true
          activity.inFlight--
          activity.completed++
          activity.lastUsedAt = now()
        },
      }
    },
    remove: name => void activities.delete(name),
  }
}
