import { LaresError } from '../../../shared/base/errors.ts'
import { personOfKey } from '../../../shared/objects/person-folder.ts'
import type { Row } from '../../../shared/store/store.ts'
import type { EmbeddingModel, Space } from '../../../shared/vectors/vectors.ts'
import { type Line, type LineOf, openDigest } from './export-format.ts'
import type { MovedStores } from './export-lines.ts'
import { fromText } from './vector-text.ts'

export type ImportReport = { rows: number; vectors: number; objects: number; alreadyThere: number }

/** Where the bytes of an object are when they are not in the lines. */
export type BytesOf = (key: string) => AsyncIterable<Uint8Array>

const BATCH = 500

/**
 * Reads the whole export without changing anything. Errors: `invalid_request` for one that was cut off or changed, `conflict`
 * when a conversation is another person's here.
 */
export async function checkImport(
  lines: AsyncIterable<Line>,
  { conversations }: MovedStores,
): Promise<LineOf<'end'>> {
  const digest = openDigest()
  let count = 0
  let end: LineOf<'end'> | undefined
  for await (const line of lines) {
    if (count++ === 0 && line.kind !== 'lares-export') throw unsound('it does not begin as one')
    if (end) throw unsound('something comes after its end')
    if (line.kind === 'end') end = line
    digest.add(line)
    if (line.kind === 'conversation') await requireSamePerson(line, conversations)
  }
  if (!end) throw unsound('it was cut off')
  const found = digest.end()
  if (found.digest !== end.digest || found.lines !== end.lines)
    throw unsound('its lines are not those that were written')
  return end
}

const unsound = (why: string) =>
  new LaresError('invalid_request', `this is no whole export of Lares: ${why}; export it again`)

async function requireSamePerson(
  { id, person }: LineOf<'conversation'>,
  { history }: MovedStores['conversations'],
): Promise<void> {
  const known = await history.conversation(id)
  if (known && known.person !== person)
    throw new LaresError('conflict', `the conversation "${id}" of ${person} is ${known.person}'s here`)
}

/** Puts everything in; what is there already stays as it is, so an import that was stopped can be made again. */
export async function importLines(
  lines: AsyncIterable<Line>,
  stores: MovedStores,
  bytesOf: BytesOf | undefined,
): Promise<ImportReport> {
  const report: ImportReport = { rows: 0, vectors: 0, objects: 0, alreadyThere: 0 }
  const rows = batches<Row>(async batch => {
    const isNew = await stores.conversations.rows.write(batch)
    report.rows += isNew
    report.alreadyThere += batch.length - isNew
  })
  const vectors = batches<LineOf<'vector'>>(async batch => {
    for (const person of new Set(batch.map(line => line.person))) await stores.protection?.keys.of(person)
    report.vectors += await putVectors(stores, batch)
  })
  const reading = await cursor(lines)
  for (let line = reading.current(); line; line = reading.current()) {
    await reading.next()
    if (line.kind === 'vector') await vectors.add(line)
    else if (line.kind === 'object') {
      await stores.protection?.keys.of(personOfKey(line.key))
      const inLines = bytesIn(reading)
      if (await putObject(stores, line, bytesOf ? bytesOf(line.key) : inLines)) report.objects++
      else report.alreadyThere++
      // Bytes that nobody wanted.
      for await (const _ of inLines);
    } else {
      const row = rowOf(line)
      if (row) await rows.add(row)
    }
  }
  await rows.end()
  await vectors.end()
  return report
}

function rowOf(line: Line): Row | undefined {
  if (line.kind === 'message') {
    const { place: _, ...row } = line
    return row
  }
  const isRow = line.kind === 'conversation' || line.kind === 'document' || line.kind === 'timer'
  return isRow ? (line as Row) : undefined
}

function batches<T>(work: (batch: T[]) => Promise<void>) {
  let batch: T[] = []
  const end = async () => {
    const full = batch
    batch = []
    if (full.length > 0) await work(full)
  }
  return {
    async add(item: T) {
      if (batch.push(item) >= BATCH) await end()
    },
    end,
  }
}

type Cursor = { current(): Line | undefined; next(): Promise<void> }

async function cursor(lines: AsyncIterable<Line>): Promise<Cursor> {
  const all = lines[Symbol.asyncIterator]()
  let at = await all.next()
  return {
    current: () => (at.done ? undefined : at.value),
    async next() {
      at = await all.next()
    },
  }
}

/** The `bytes` lines from where the reading is. */
async function* bytesIn({ current, next }: Cursor): AsyncGenerator<Buffer> {
  for (let line = current(); line?.kind === 'bytes'; line = current()) {
    await next()
    yield Buffer.from(line.data, 'base64')
  }
}

async function putVectors({ vectors }: MovedStores, lines: LineOf<'vector'>[]): Promise<number> {
  const spaces = new Map<string, { space: Space; lines: LineOf<'vector'>[] }>()
  for (const line of lines) {
    const name = nameOf(line.model)
    const known = spaces.get(name) ?? { space: await vectors.space(line.model), lines: [] }
    known.lines.push(line)
    spaces.set(name, known)
  }
  for (const { space, lines } of spaces.values())
    await space.upsert(
      lines.map(({ person, id, values, model }) => ({
        person,
        id,
        values: fromText(values, model.dimensions),
      })),
    )
  return lines.length
}

const nameOf = ({ id, dimensions }: EmbeddingModel) => JSON.stringify([id, dimensions])

async function putObject(
  { objects }: MovedStores,
  { key, mediaType, bytes, sha256 }: LineOf<'object'>,
  data: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  if (await objects.facts(key)) return false
  const written = await objects.write(key, data, { mediaType, maxBytes: bytes })
  if (written.sha256 === sha256) return true
  await objects.delete(key)
  throw new LaresError('invalid_request', `the bytes of the object "${key}" are not those that were exported`)
}
