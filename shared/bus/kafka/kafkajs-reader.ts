import { randomUUID } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import type { Position, TopicPartition } from '../bus.ts'
import {
  type Follower,
  type FollowOptions,
  idOf,
  type JoinOptions,
  type KafkaSettings,
  type Member,
} from './client.ts'
import { openConsumer, toTopicPartitions, whileRunning } from './kafkajs-consumer.ts'
import { kafkajsError } from './kafkajs-errors.ts'

/** A member of a group, by the eager protocol. What it keeps over a rebalance comes again from the committed position. */
export function joinGroup(kafka: Kafka, settings: KafkaSettings, options: JoinOptions): Member {
  let held = new Map<string, TopicPartition>()
  let member: string | undefined
  const paused = new Map<string, TopicPartition>()
  const { consumer, add, close } = openConsumer(kafka, settings, {
    ...options,
    wants: partition => held.has(idOf(partition)) && !paused.has(idOf(partition)),
    onAssigned(partitions, memberId) {
      const now = new Map(partitions.map(partition => [idOf(partition), partition]))
      // Under another name it was away meanwhile, and cannot know who had its partitions.
      const lost = [...held].filter(([id]) => memberId !== member || !now.has(id))
      held = now
      member = memberId
      for (const [id] of lost) paused.delete(id)
      if (lost.length > 0) options.onRevoked(lost.map(([, partition]) => partition))
      whileRunning(consumer, running => running.pause(toTopicPartitions([...paused.values()])))
      options.onJoined()
    },
  })
  return {
    add,
    async commit(positions) {
      const kept = positions.filter(position => held.has(idOf(position)))
      if (kept.length === 0) return
      try {
        await consumer.commitOffsets(
          kept.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
        )
      } catch (error) {
        throw kafkajsError('positions cannot be committed', error)
      }
    },
    pause(partitions) {
      for (const partition of partitions) paused.set(idOf(partition), partition)
      whileRunning(consumer, running => running.pause(toTopicPartitions(partitions)))
    },
    resume(partitions) {
      for (const partition of partitions) paused.delete(idOf(partition))
      whileRunning(consumer, running => running.resume(toTopicPartitions(partitions)))
    },
    close,
  }
}

/** kafkajs reads only in groups: this one has one member and never commits, and the broker forgets it when it leaves. */
export function follow(kafka: Kafka, settings: KafkaSettings, options: FollowOptions): Follower {
  const next = new Map<string, Position>()
  const { consumer, add, close } = openConsumer(kafka, settings, {
    ...options,
    group: `lares-follow-${randomUUID()}`,
    onRecords(records) {
      const position = next.get(idOf(records[0]!))
      const wanted = records.filter(({ offset }) => position !== undefined && offset >= position.offset)
      if (position === undefined || wanted.length === 0) return
      position.offset = wanted.at(-1)!.offset + 1
      options.onRecords(wanted)
    },
    onAssigned() {
      for (const { topic, partition, offset } of next.values())
        whileRunning(consumer, running => running.seek({ topic, partition, offset: String(offset) }))
    },
    wants: partition => next.has(idOf(partition)),
  })
  return {
    add(positions) {
      for (const position of positions) next.set(idOf(position), { ...position })
      add([...new Set(positions.map(({ topic }) => topic))])
    },
    close,
  }
}
