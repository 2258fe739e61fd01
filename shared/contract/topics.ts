import type { TopicSettings } from '../bus/bus.ts'
import type { Manifest } from './catalogue.ts'
import { eventTypePatterns, topicOf } from './events/event-types.ts'
import type { DeployedFunction } from './stack.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
/** Dialog keeps its journal longer than this, so that it recognises every event that is read again. */
export const DEFAULT_RETENTION_MS = 7 * DAY_MS
/** Chunks of text for open clients; a client that connects later reads the whole reply. */
const STREAM_RETENTION_MS = 10 * 60 * 1_000
/** Operators may inspect a dead letter much later. */
const DEAD_LETTER_RETENTION_MS = 90 * DAY_MS

const retentionOf = (topic: string): number => {
  if (topic === 'lares.stream') return STREAM_RETENTION_MS
  return topic === 'lares.deadletter' ? DEAD_LETTER_RETENTION_MS : DEFAULT_RETENTION_MS
}

/** Topics that exist in every deployment: those of the types without a name in them. */
export const fixedTopics = (): TopicSettings[] =>
  withRetention(eventTypePatterns.filter(type => !type.includes('*')).map(topicOf))

/** All topics that the deployed functions read or write, and the fixed topics. */
export function requiredTopics(deployed: DeployedFunction[], manifests: Manifest[]): TopicSettings[] {
  const emitted = manifests.flatMap(({ emits }) => emits.filter(type => !type.includes('*')).map(topicOf))
  const read = deployed.flatMap(({ topics }) => topics)
  return [...fixedTopics(), ...withRetention([...emitted, ...read])].filter(
    (topic, index, all) => all.findIndex(({ name }) => name === topic.name) === index,
  )
}

const withRetention = (topics: string[]): TopicSettings[] =>
  topics.map(name => ({ name, retentionMs: retentionOf(name) }))
