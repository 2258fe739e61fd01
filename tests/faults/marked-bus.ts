import type { Bus, BusRecord, SubscribeOptions } from '../../shared/bus/bus.ts'
import { type KafkaBusOptions, openKafkaBus as open } from '../../shared/bus/kafka/kafka-bus.ts'
import { PROCESS_NAME, reachFaultPoint } from './moments.ts'

const isGateway = PROCESS_NAME.startsWith('gateway')

/**
 * The bus with its moments marked: a connector commits the records that it has produced, a gateway acknowledges its
 * message.
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<Bus> {
  await reachFaultPoint('while starting')
  const bus = await open(options)
  return {
    ...bus,
    async publish(messages) {
      await reachFaultPoint('after handling before produce')
      await bus.publish(messages)
      if (isGateway) await reachFaultPoint('after produce before commit')
    },
    async subscribe(subscribeOptions) {
      const subscription = await bus.subscribe(instrumentSubscription(subscribeOptions))
      return {
        ...subscription,
        async commit(positions) {
          await reachFaultPoint('after produce before commit')
          await subscription.commit(positions)
        },
      }
    },
  }
}

function instrumentSubscription(options: SubscribeOptions): SubscribeOptions {
  let lastBatch: Promise<void> | undefined
  return {
    ...options,
    onRecords(records: BusRecord[]) {
      const reached = reachFaultPoint('before handling')
      if (reached) lastBatch = (lastBatch ?? Promise.resolve()).then(() => reached)
      if (!lastBatch) return options.onRecords(records)
      // Later records wait for their turn. Then the next is delivered at once, and can be struck again.
      const batch = lastBatch.then(() => options.onRecords(records))
      lastBatch = batch
      void batch.then(() => {
        if (lastBatch === batch) lastBatch = undefined
      })
    },
    onRevoked(partitions) {
      void reachFaultPoint('during a rebalance')
      options.onRevoked?.(partitions)
    },
  }
}
