import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import {
  currentMemories,
  deleteMemories,
  deleteVectors,
  memoryHistory,
  type StoredMemory,
} from '../../../shared/knowledge/memories.ts'
import { columns, dim, print, printJson } from '../terminal.ts'
import { withStores } from './stores.ts'

/** Enough of an id to name one of a person's memories. */
const SHORT = 8

/** What is known of a person, the newest first, with `replaced` what held before too: a reading by an administrator, which is recorded. */
export async function listMemories(
  environment: Environment,
  person: string,
  { json, replaced }: { json?: boolean; replaced?: boolean },
): Promise<number> {
  const memories = await withStores(environment, async ({ store, audit }) => {
    await audit.record({ action: 'read', by: 'operator', person, about: { what: 'memories' } })
    const read = replaced ? memoryHistory : currentMemories
    return await read(store.records, person)
  })
  if (json) printJson(memories.map(withoutScore))
  else if (memories.length === 0) print(`nothing is remembered of "${person}"`)
  else for (const line of columns(memories.map(rowOf))) print(line)
  return 0
}

const withoutScore = ({ score: _, ...memory }: StoredMemory) => memory

const minute = (time: string): string => time.slice(0, 16).replace('T', ' ')

const rowOf = ({ id, saidAt, text, sources, until }: StoredMemory & { until?: string }): string[] => [
  id.slice(0, SHORT),
  dim(minute(saidAt)),
  until === undefined ? text : dim(`${text} (until ${minute(until)})`),
  dim(sources.map(({ conversation }) => conversation).join(', ')),
]

/** The messages that a memory came from. */
export async function whyMemory(
  environment: Environment,
  person: string,
  id: string,
  { json }: { json?: boolean },
): Promise<number> {
  const told = await withStores(environment, async ({ store, audit }) => {
    const memory = oneOf(await currentMemories(store.records, person), person, id)
    await audit.record({ action: 'read', by: 'operator', person, about: { what: 'memory', id: memory.id } })
    const messages = memory.sources.map(async source => {
      const row = await store.history.message(source.message)
      return { ...source, ...(row && { text: row.text }) }
    })
    return { id: memory.id, text: memory.text, sources: await Promise.all(messages) }
  })
  if (json) printJson(told)
  else {
    print(told.text)
    const rows = told.sources.map(({ saidAt, conversation, message, text = 'no longer in the history' }) => [
      dim(minute(saidAt)),
      conversation,
      dim(message),
      text,
    ])
    for (const line of columns(rows)) print(`  ${line}`)
    if (rows.length === 0) print('  it was kept before messages were noted')
  }
  return 0
}

/** Forgets one of them, with what it had replaced and its vectors, as the person does by "forget that". */
export async function forgetMemory(
  environment: Environment,
  person: string,
  id: string,
  { json }: { json?: boolean },
): Promise<number> {
  const forgotten = await withStores(environment, async ({ store, vectors, audit }) => {
    const { records } = store
    const memory = oneOf(await currentMemories(records, person), person, id)
    await audit.record({ action: 'forgot', by: 'operator', person, about: { memory: memory.id } })
    const saidAt = new Date().toISOString()
    const gone = await deleteMemories(
      records,
      { person, saidAt },
      ({ subject }) => subject === memory.subject,
    )
    await deleteVectors(vectors, person, gone)
    return { id: memory.id, text: memory.text, count: gone.length }
  })
  if (json) printJson(forgotten)
  else print(`forgotten: ${forgotten.text}`)
  return 0
}

/** Errors: `not_found`, `conflict` when several ids begin so. */
function oneOf(memories: StoredMemory[], person: string, id: string): StoredMemory {
  const [found, ...others] = memories.filter(memory => memory.id.startsWith(id))
  if (found && others.length === 0) return found
  if (found)
    throw new LaresError('conflict', `several memories of "${person}" begin with "${id}": write more of it`)
  throw new LaresError('not_found', `"${person}" has no memory "${id}": see lares memory list ${person}`)
}
