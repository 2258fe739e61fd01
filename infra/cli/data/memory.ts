import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import {
  currentMemories,
  deleteMemories,
  deleteVectors,
  memoryHistory,
  type StoredMemory,
} from '../../../shared/knowledge/memories.ts'
import { dim, formatColumns, print, printJson } from '../terminal.ts'
import { requireKnownPerson } from './known-person.ts'
import { withStores } from './stores.ts'

/** The first characters of an id; they are enough to name one of a person's memories. */
const SHORT_ID_LENGTH = 8

/**
 * Lists a person's memories, the newest first; `replaced` adds those that no longer hold. The audit log records it,
 * because an administrator reads the person's data.
 */
export async function listMemories(
  environment: Environment,
  person: string,
  { json, replaced }: { json?: boolean; replaced?: boolean },
): Promise<number> {
  const memories = await withStores(environment, async stores => {
    const { store, audit } = stores
    await requireKnownPerson(person, environment, stores)
    await audit.record({ action: 'read', by: 'operator', person, about: { what: 'memories' } })
    const read = replaced ? memoryHistory : currentMemories
    return await read(store.records, person)
  })
  if (json) printJson(memories.map(withoutScore))
  else if (memories.length === 0) print(`nothing is remembered of "${person}"`)
  else for (const line of formatColumns(memories.map(toTableRow))) print(line)
  return 0
}

const withoutScore = ({ score: _, ...memory }: StoredMemory) => memory

const formatMinute = (time: string): string => time.slice(0, 16).replace('T', ' ')

const toTableRow = ({ id, saidAt, text, sources, until }: StoredMemory & { until?: string }): string[] => [
  id.slice(0, SHORT_ID_LENGTH),
  dim(formatMinute(saidAt)),
  until === undefined ? text : dim(`${text} (until ${formatMinute(until)})`),
  dim(sources.map(({ conversation }) => conversation).join(', ')),
]

/** Shows the messages that a memory came from. */
export async function showMemorySources(
  environment: Environment,
  person: string,
  id: string,
  { json }: { json?: boolean },
): Promise<number> {
  const memoryWithSources = await withStores(environment, async ({ store, audit }) => {
    const memory = findByIdPrefix(await currentMemories(store.records, person), person, id)
    await audit.record({ action: 'read', by: 'operator', person, about: { what: 'memory', id: memory.id } })
    const messages = memory.sources.map(async source => {
      const row = await store.history.message(source.message)
      return { ...source, ...(row && { text: row.text }) }
    })
    return { id: memory.id, text: memory.text, sources: await Promise.all(messages) }
  })
  if (json) printJson(memoryWithSources)
  else {
    print(memoryWithSources.text)
    const rows = memoryWithSources.sources.map(
      ({ saidAt, conversation, message, text = 'no longer in the history' }) => [
        dim(formatMinute(saidAt)),
        conversation,
        dim(message),
        text,
      ],
    )
    for (const line of formatColumns(rows)) print(`  ${line}`)
    if (rows.length === 0) print('  it was kept before messages were noted')
  }
  return 0
}

/** Deletes a memory, with those that it replaced and its vectors, as a person's "forget that" does. */
export async function deleteMemory(
  environment: Environment,
  person: string,
  id: string,
  { json }: { json?: boolean },
): Promise<number> {
  const deleted = await withStores(environment, async ({ store, vectors, audit }) => {
    const { records } = store
    const memory = findByIdPrefix(await currentMemories(records, person), person, id)
    await audit.record({ action: 'forgot', by: 'operator', person, about: { memory: memory.id } })
    const saidAt = new Date().toISOString()
    const deletedIds = await deleteMemories(
      records,
      { person, saidAt },
      ({ subject }) => subject === memory.subject,
    )
    await deleteVectors(vectors, person, deletedIds)
    return { id: memory.id, text: memory.text, count: deletedIds.length }
  })
  if (json) printJson(deleted)
  else print(`forgotten: ${deleted.text}`)
  return 0
}

/** Errors: `not_found`, `conflict` when several ids begin with the prefix. */
function findByIdPrefix(memories: StoredMemory[], person: string, id: string): StoredMemory {
  const [found, ...others] = memories.filter(memory => memory.id.startsWith(id))
  if (found && others.length === 0) return found
  if (found)
    throw new LaresError('conflict', `several memories of "${person}" begin with "${id}": write more of it`)
  throw new LaresError('not_found', `"${person}" has no memory "${id}": see lares memory list ${person}`)
}
