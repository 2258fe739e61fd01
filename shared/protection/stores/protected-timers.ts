import type { Timer, Timers } from '../../store/store.ts'
import { opened, openText, placeOf } from '../associated-data.ts'
import { type DataKey, sealText } from '../envelope.ts'
import type { Keys } from '../keys.ts'

const placeOfTimer = (id: string) => placeOf('timer', id)

export const sealTimer = <T extends Pick<Timer, 'id' | 'text'>>(key: DataKey, timer: T): T => ({
  ...timer,
  text: sealText(key, placeOfTimer(timer.id), timer.text),
})

/** Undefined when its key was destroyed. */
export async function openTimer<T extends Pick<Timer, 'id' | 'text'>>(
  keys: Keys,
  timer: T,
): Promise<T | undefined> {
  const text = await openText(keys, placeOfTimer(timer.id), timer.text)
  return text === undefined ? undefined : { ...timer, text }
}

/** What reminders are about is encrypted; when they are due is not. */
export function protectedTimers(inner: Timers, keys: Keys): Timers {
  const open = (timer: Timer) => openTimer(keys, timer)
  return {
    ...inner,
    schedule: async timer => await inner.schedule(sealTimer(await keys.ofKnown(timer.person), timer)),
    async due(nowMs, limit) {
      for (;;) {
        const due = await inner.due(nowMs, limit)
        const sound = await opened(due, open)
        if (sound.length > 0 || due.length === 0) return sound
        // Those of people who were forgotten, out of a backup, must not keep the others from their turn.
        await inner.markFired(due.map(({ id }) => id))
      }
    },
    pending: async (person, limit) => await opened(await inner.pending(person, limit), open),
  }
}
