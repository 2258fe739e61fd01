import { randomUUID } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import type { Position, TopicPartition } from '../bus.ts'
import {
  type ConsumerCallbacks,
  type GroupMember,
  type JoinGroupOptions,
  type KafkaSettings,
  type StandaloneConsumer,
  topicPartitionId,
} from './client.ts'
import { ifRunning, openConsumer, toTopicPartitions } from './kafkajs-consumer.ts'
import { kafkajsError } from './kafkajs-errors.ts'

/**
 * Joins a group by the eager protocol. Records that the member held at a rebalance are delivered again from the
 * committed position.
 */
export function joinGroup(kafka: Kafka, settings: KafkaSettings, options: JoinGroupOptions): GroupMember {
  let assigned = new Map<string, TopicPartition>()
  let currentMemberId: string | undefined
  const paused = new Map<string, TopicPartition>()
  const { consumer, add, close } = openConsumer(kafka, settings, {
    ...options,
    shouldDeliver: partition =>
      assigned.has(topicPartitionId(partition)) && !paused.has(topicPartitionId(partition)),
    onAssigned(partitions, memberId) {
      const assignedNow = new Map(partitions.map(partition => [topicPartitionId(partition), partition]))
      // With a new member id, this member left meanwhile and cannot know who owned its partitions.
      const lost = [...assigned].filter(([id]) => memberId !== currentMemberId || !assignedNow.has(id))
      assigned = assignedNow
      currentMemberId = memberId
      for (const [id] of lost) paused.delete(id)
      if (lost.length > 0) options.onRevoked(lost.map(([, partition]) => partition))
      ifRunning(consumer, running => running.pause(toTopicPartitions([...paused.values()])))
      options.onJoined()
    },
  })
  return {
    addTopics: add,
    async commit(positions) {
      const stillAssigned = positions.filter(position => assigned.has(topicPartitionId(position)))
      if (stillAssigned.length === 0) return
      try {
        await consumer.commitOffsets(
          stillAssigned.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
        )
      } catch (error) {
        throw kafkajsError('positions cannot be committed', error)
      }
    },
    pause(partitions) {
      for (const partition of partitions) paused.set(topicPartitionId(partition), partition)
      ifRunning(consumer, running => running.pause(toTopicPartitions(partitions)))
    },
    resume(partitions) {
      for (const partition of partitions) paused.delete(topicPartitionId(partition))
      ifRunning(consumer, running => running.resume(toTopicPartitions(partitions)))
    },
    close,
  }
}

/**
 * kafkajs reads only in groups. This group has one member and never commits, and the broker deletes it when the member
 * leaves.
 */
export function openStandaloneConsumer(
  kafka: Kafka,
  settings: KafkaSettings,
  options: ConsumerCallbacks,
): StandaloneConsumer {
  const nextPositions = new Map<string, Position>()
  const { consumer, add, close } = openConsumer(kafka, settings, {
    ...options,
    group: `lares-follow-${randomUUID()}`,
    onRecords(records) {
      const position = nextPositions.get(topicPartitionId(records[0]!))
      const wanted = records.filter(({ offset }) => position !== undefined && offset >= position.offset)
      if (position === undefined || wanted.length === 0) return
      position.offset = wanted.at(-1)!.offset + 1
      options.onRecords(wanted)
    },
    onAssigned() {
      for (const { topic, partition, offset } of nextPositions.values())
        ifRunning(consumer, running => running.seek({ topic, partition, offset: String(offset) }))
    },
    shouldDeliver: partition => nextPositions.has(topicPartitionId(partition)),
  })
  return {
    assign(positions) {
      for (const position of positions) nextPositions.set(topicPartitionId(position), { ...position })
      add([...new Set(positions.map(({ topic }) => topic))])
    },
    close,
  }
}
