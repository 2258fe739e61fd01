import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnyFunction } from '../../shared/contract/definition.ts'
import { topicOf, typePatterns } from '../../shared/contract/events/event-types.ts'
import { topicsOf } from '../../shared/contract/plugin.ts'
import { readStack, type StackFunction } from '../../shared/contract/stack.ts'
import { loadFunction } from '../../shared/host/load.ts'
import { rooms as known, type RoomFact } from './processes.ts'

/** Whoever writes or reads the log. Types may have `*` for a name. */
export type Part = { name: string; kind: 'room' | 'function' | 'skill'; writes: string[]; reads: string[] }

export type Pipeline = {
  parts: Part[]
  /** What does not fit together, each with its remedy. */
  problems: string[]
}

/** An event type on its way; the type is the narrower of what is written and what is read. */
export type Flow = { from: string; to: string; type: string }

/** Reads stack.yml, every handler that it names, and the table of rooms. Errors: `invalid_config`. */
export async function readPipeline(root: string, rooms: RoomFact[] = known): Promise<Pipeline> {
  const stack = await readStack(join(root, 'stack.yml'))
  const handlers = await Promise.all(
    stack.map(async entry => ({ entry, definition: await loadFunction(join(root, entry.handler)) })),
  )
  const parts = [...partsOf(rooms), ...handlers.map(({ definition }) => partOf(definition))]
  const problems = [
    ...(await staleFacts(root, rooms)),
    ...handlers.flatMap(({ entry, definition }) => differences(entry, definition)),
    ...withoutWriter(parts, stack),
    ...withoutReader(parts),
  ]
  return { parts, problems }
}

export function flowsOf(parts: Part[]): Flow[] {
  const flows = parts.flatMap(({ name, writes }) =>
    writes.flatMap(written =>
      parts.flatMap(reader =>
        reader.reads
          .filter(read => meets(written, read))
          .map(read => ({ from: name, to: reader.name, type: read.includes('*') ? written : read })),
      ),
    ),
  )
  return flows.sort((a, b) => placeOf(a.type) - placeOf(b.type))
}

/** Where a type comes in the journey of a message, as the table of types has it. */
const placeOf = (type: string): number => typePatterns.findIndex(pattern => meets(pattern, type))

/** Whether one of two types covers the other, `*` standing for one name. */
export function meets(one: string, other: string): boolean {
  return covers(one, other) || covers(other, one)
}

function covers(pattern: string, type: string): boolean {
  const words = pattern.split('.')
  const given = type.split('.')
  return words.length === given.length && words.every((word, index) => word === '*' || word === given[index])
}

function partsOf(rooms: RoomFact[]): Part[] {
  const typesOf = (room: string, verb: RoomFact['does']) =>
    rooms.filter(fact => fact.room === room && fact.does === verb).map(({ type }) => type)
  return [...new Set(rooms.map(({ room }) => room))].map(name => ({
    name,
    kind: 'room',
    writes: typesOf(name, 'writes'),
    reads: typesOf(name, 'reads'),
  }))
}

const partOf = ({ name, skill, emits, receives }: AnyFunction): Part => ({
  name,
  kind: skill ? 'skill' : 'function',
  writes: [...emits],
  reads: [...receives],
})

async function staleFacts(root: string, rooms: RoomFact[]): Promise<string[]> {
  const checked = rooms.map(async ({ room, does, type, file }) => {
    const text = await readFile(join(root, file), 'utf8').catch(() => '')
    if (text.includes(type)) return []
    return [
      `infra/pipeline/processes.ts says that ${room} ${does} ${type} in ${file}, which does not name it`,
    ]
  })
  return (await Promise.all(checked)).flat()
}

function differences({ name, topics }: StackFunction, definition: AnyFunction): string[] {
  const received = topicsOf(definition)
  const missing = received.filter(topic => !topics.includes(topic))
  const extra = topics.filter(topic => !received.includes(topic))
  const where = `stack.yml, ${name}: the annotation "topic"`
  return [
    ...(definition.name === name
      ? []
      : [`stack.yml calls "${name}" what its handler calls "${definition.name}"`]),
    ...missing.map(topic => `${where} lacks ${topic}, which its handler receives`),
    ...extra.map(topic => `${where} names ${topic}, which its handler does not receive`),
  ]
}

function withoutWriter(parts: Part[], stack: StackFunction[]): string[] {
  const written = parts.flatMap(({ writes }) => writes.map(topicOf))
  const read = [
    ...parts.flatMap(({ name, reads }) => reads.map(type => ({ name, topic: topicOf(type) }))),
    ...stack.flatMap(({ name, topics }) => topics.map(topic => ({ name, topic }))),
  ]
  const alone = read.filter(({ topic }) => !written.some(one => meets(one, topic)))
  return [...new Set(alone.map(({ name, topic }) => `${name} reads the topic ${topic}, which nobody writes`))]
}

function withoutReader(parts: Part[]): string[] {
  const read = parts.flatMap(({ reads }) => reads)
  return parts.flatMap(({ name, writes }) =>
    writes
      .filter(type => !read.some(one => meets(one, type)))
      .map(type => `${name} writes ${type}, which nobody reads`),
  )
}
