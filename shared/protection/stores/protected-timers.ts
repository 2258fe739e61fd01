import type { Timer, Timers } from '../../store/store.ts'
import { aadOf, unsealAll, unsealText } from '../associated-data.ts'
import { type DataKey, sealText } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { sealAddress, unsealAddress } from '../sealed-address.ts'

const aadOfTimer = (id: string) => aadOf('timer', id)

type SealedFields = Pick<Timer, 'id' | 'text' | 'address'>

export const sealTimer = <T extends SealedFields>(key: DataKey, timer: T): T => ({
  ...timer,
  text: sealText(key, aadOfTimer(timer.id), timer.text),
  ...(timer.address && { address: sealAddress(key, timer.id, timer.address) }),
})

/** Undefined if its key was destroyed. */
export async function unsealTimer<T extends SealedFields>(keys: Keys, timer: T): Promise<T | undefined> {
  const text = await unsealText(keys, aadOfTimer(timer.id), timer.text)
  if (text === undefined) return undefined
  return {
    ...timer,
    text,
    ...(timer.address && { address: await unsealAddress(keys, timer.id, timer.address) }),
  }
}

/** Encrypts the text of reminders; their due time stays readable. */
export function protectedTimers(inner: Timers, keys: Keys): Timers {
  const unseal = (timer: Timer) => unsealTimer(keys, timer)
  return {
    ...inner,
    schedule: async timer => await inner.schedule(sealTimer(await keys.require(timer.person), timer)),
    async due(nowMs, limit) {
      for (;;) {
        const due = await inner.due(nowMs, limit)
        const readable = await unsealAll(due, unseal)
        if (readable.length > 0 || due.length === 0) return readable
        // A backup may bring back timers of forgotten people; marking them fired keeps them from blocking the others.
        await inner.markFired(due.map(({ id }) => id))
      }
    },
    pending: async (person, limit) => await unsealAll(await inner.pending(person, limit), unseal),
  }
}
