import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnyFunction } from '../../shared/contract/definition.ts'
import { eventTypePatterns, topicOf } from '../../shared/contract/events/event-types.ts'
import { topicsOf } from '../../shared/contract/plugin.ts'
import { readStack, type StackFunction } from '../../shared/contract/stack.ts'
import { loadFunction } from '../../shared/host/load.ts'
import { codeFacts } from './code-facts.ts'
import { processAccesses as known, type ProcessAccess } from './processes.ts'

/** A component that writes or reads the log. Types may have `*` for a name. */
export type Component = {
  name: string
  kind: 'room' | 'function' | 'skill'
  writes: string[]
  reads: string[]
}

export type Pipeline = {
  components: Component[]
  /** The inconsistencies, each with its remedy. */
  problems: string[]
}

/** An event type from a writer to a reader. The type is the narrower of the written and the read one. */
export type Flow = { from: string; to: string; type: string }

/** Reads stack.yml, every handler that it names, and the table of processes. Errors: `invalid_config`. */
export async function readPipeline(root: string, accesses: ProcessAccess[] = known): Promise<Pipeline> {
  const stack = await readStack(join(root, 'stack.yml'))
  const handlers = await Promise.all(
    stack.map(async entry => ({ entry, definition: await loadFunction(join(root, entry.handler)) })),
  )
  const components = [
    ...processComponents(accesses),
    ...handlers.map(({ definition }) => functionComponent(definition)),
  ]
  const problems = [
    ...(await staleAccesses(root, accesses)),
    ...(await staleCodeFacts(root)),
    ...handlers.flatMap(({ entry, definition }) => annotationProblems(entry, definition)),
    ...topicsWithoutWriter(components, stack),
    ...typesWithoutReader(components),
  ]
  return { components, problems }
}

export function flowsOf(components: Component[]): Flow[] {
  const flows = components.flatMap(({ name, writes }) =>
    writes.flatMap(written =>
      components.flatMap(reader =>
        reader.reads
          .filter(read => overlaps(written, read))
          .map(read => ({ from: name, to: reader.name, type: read.includes('*') ? written : read })),
      ),
    ),
  )
  return flows.sort((a, b) => journeyOrder(a.type) - journeyOrder(b.type))
}

/** The position of a type in the journey of a message, as the table of event types orders it. */
const journeyOrder = (type: string): number => eventTypePatterns.findIndex(pattern => overlaps(pattern, type))

/** Whether one of two types covers the other. `*` stands for one name. */
export function overlaps(one: string, other: string): boolean {
  return covers(one, other) || covers(other, one)
}

function covers(pattern: string, type: string): boolean {
  const words = pattern.split('.')
  const given = type.split('.')
  return words.length === given.length && words.every((word, index) => word === '*' || word === given[index])
}

function processComponents(accesses: ProcessAccess[]): Component[] {
  const typesOf = (processName: string, verb: ProcessAccess['access']) =>
    accesses.filter(fact => fact.processName === processName && fact.access === verb).map(({ type }) => type)
  return [...new Set(accesses.map(({ processName }) => processName))].map(name => ({
    name,
    kind: 'room',
    writes: typesOf(name, 'writes'),
    reads: typesOf(name, 'reads'),
  }))
}

const functionComponent = ({ name, skill, emits, receives }: AnyFunction): Component => ({
  name,
  kind: skill ? 'skill' : 'function',
  writes: [...emits],
  reads: [...receives],
})

async function staleAccesses(root: string, accesses: ProcessAccess[]): Promise<string[]> {
  const checked = accesses.map(async ({ processName, access, type, file }) => {
    const text = await readFile(join(root, file), 'utf8').catch(() => '')
    if (text.includes(type)) return []
    return [
      `infra/pipeline/processes.ts says that ${processName} ${access} ${type} in ${file}, which does not name it`,
    ]
  })
  return (await Promise.all(checked)).flat()
}

async function staleCodeFacts(root: string): Promise<string[]> {
  const checked = codeFacts.map(async ({ file, text, problem }) =>
    (await readFile(join(root, file), 'utf8').catch(() => '')).includes(text) ? [] : [problem],
  )
  return [...new Set((await Promise.all(checked)).flat())]
}

function annotationProblems({ name, topics }: StackFunction, definition: AnyFunction): string[] {
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

function topicsWithoutWriter(components: Component[], stack: StackFunction[]): string[] {
  const written = components.flatMap(({ writes }) => writes.map(topicOf))
  const read = [
    ...components.flatMap(({ name, reads }) => reads.map(type => ({ name, topic: topicOf(type) }))),
    ...stack.flatMap(({ name, topics }) => topics.map(topic => ({ name, topic }))),
  ]
  const unwritten = read.filter(({ topic }) => !written.some(one => overlaps(one, topic)))
  return [
    ...new Set(unwritten.map(({ name, topic }) => `${name} reads the topic ${topic}, which nobody writes`)),
  ]
}

function typesWithoutReader(components: Component[]): string[] {
  const read = components.flatMap(({ reads }) => reads)
  return components.flatMap(({ name, writes }) =>
    writes
      .filter(type => !read.some(one => overlaps(one, type)))
      .map(type => `${name} writes ${type}, which nobody reads`),
  )
}
