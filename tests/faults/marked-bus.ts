import type { Bus, BusRecord, SubscribeOptions } from '../../shared/bus/bus.ts'
import { type KafkaBusOptions, openKafkaBus as open } from '../../shared/bus/kafka/kafka-bus.ts'
import { NAME, reach } from './moments.ts'

const isGateway = NAME.startsWith('gateway')

/** The bus with its moments marked: a connector commits what it has produced, a gateway acknowledges it. */
export async function openKafkaBus(options: KafkaBusOptions): Promise<Bus> {
  await reach('while starting')
  const bus = await open(options)
  return {
    ...bus,
    async publish(messages) {
      await reach('after handling before produce')
      await bus.publish(messages)
      if (isGateway) await reach('after produce before commit')
    },
    async subscribe(asked) {
      const subscription = await bus.subscribe(markedSubscription(asked))
      return {
        ...subscription,
        async commit(positions) {
          await reach('after produce before commit')
          await subscription.commit(positions)
        },
      }
    },
  }
}

function markedSubscription(options: SubscribeOptions): SubscribeOptions {
  let held: Promise<void> | undefined
  return {
    ...options,
    onRecords(records: BusRecord[]) {
      const reached = reach('before handling')
      if (reached) held = (held ?? Promise.resolve()).then(() => reached)
      if (!held) return options.onRecords(records)
      // What comes meanwhile waits for its turn; then the next is handed on at once again, and can be struck again.
      const turn = held.then(() => options.onRecords(records))
      held = turn
      void turn.then(() => {
        if (held === turn) held = undefined
      })
    },
    onRevoked(partitions) {
      void reach('during a rebalance')
      options.onRevoked?.(partitions)
    },
  }
}
