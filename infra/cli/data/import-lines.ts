import { LaresError } from '../../../shared/base/errors.ts'
import { personOfKey } from '../../../shared/objects/person-folder.ts'
import type { StoreRow } from '../../../shared/store/store.ts'
import type { EmbeddingModel, VectorIndex } from '../../../shared/vectors/vectors.ts'
import { type ExportLine, type ExportLineOf, openDigest } from './export-format.ts'
import type { ExportStores } from './export-lines.ts'
import { decodeVector } from './vector-text.ts'

export type ImportReport = { rows: number; vectors: number; objects: number; alreadyThere: number }

/** Reads the bytes of an object when the lines do not contain them. */
export type ReadObjectBytes = (key: string) => AsyncIterable<Uint8Array>

const BATCH = 500

/**
 * Reads the whole export without changing anything. Errors: `invalid_request` for a truncated or changed export,
 * `conflict` when a conversation belongs to another person here.
 */
export async function checkImport(
  lines: AsyncIterable<ExportLine>,
  { store }: ExportStores,
): Promise<ExportLineOf<'end'>> {
  const digest = openDigest()
  let count = 0
  let end: ExportLineOf<'end'> | undefined
  for await (const line of lines) {
    if (count++ === 0 && line.kind !== 'lares-export') throw invalidExport('it does not begin as one')
    if (end) throw invalidExport('something comes after its end')
    if (line.kind === 'end') end = line
    digest.add(line)
    if (line.kind === 'conversation') await requireSamePerson(line, store)
  }
  if (!end) throw invalidExport('it was cut off')
  const found = digest.end()
  if (found.digest !== end.digest || found.lines !== end.lines)
    throw invalidExport('its lines are not those that were written')
  return end
}

const invalidExport = (why: string) =>
  new LaresError('invalid_request', `this is no whole export of Lares: ${why}; export it again`)

async function requireSamePerson(
  { id, person }: ExportLineOf<'conversation'>,
  { history }: ExportStores['store'],
): Promise<void> {
  const known = await history.conversation(id)
  if (known && known.person !== person)
    throw new LaresError('conflict', `the conversation "${id}" of ${person} is ${known.person}'s here`)
}

/** Writes all lines. Existing data stays unchanged, so an interrupted import can be repeated. */
export async function importLines(
  lines: AsyncIterable<ExportLine>,
  stores: ExportStores,
  readBytes: ReadObjectBytes | undefined,
): Promise<ImportReport> {
  const report: ImportReport = { rows: 0, vectors: 0, objects: 0, alreadyThere: 0 }
  const rows = openBatcher<StoreRow>(async batch => {
    const isNew = await stores.store.rows.write(batch)
    report.rows += isNew
    report.alreadyThere += batch.length - isNew
  })
  const vectors = openBatcher<ExportLineOf<'vector'>>(async batch => {
    for (const person of new Set(batch.map(line => line.person)))
      await stores.protection?.keys.getOrCreate(person)
    const written = await putVectors(stores, batch)
    report.vectors += written
    report.alreadyThere += batch.length - written
  })
  const lineCursor = await openLineCursor(lines)
  for (let line = lineCursor.current(); line; line = lineCursor.current()) {
    await lineCursor.next()
    if (line.kind === 'vector') await vectors.add(line)
    else if (line.kind === 'object') {
      await stores.protection?.keys.getOrCreate(personOfKey(line.key))
      const inLines = readInlineBytes(lineCursor)
      if (await putObject(stores, line, readBytes ? readBytes(line.key) : inLines)) report.objects++
      else report.alreadyThere++
      // Skip the bytes that `putObject` did not read.
      for await (const _ of inLines);
    } else {
      const row = toRow(line)
      if (row) await rows.add(row)
    }
  }
  await rows.end()
  await vectors.end()
  return report
}

function toRow(line: ExportLine): StoreRow | undefined {
  if (line.kind === 'message') {
    const { place: _, ...row } = line
    return row
  }
  const isRow = line.kind === 'conversation' || line.kind === 'document' || line.kind === 'timer'
  return isRow ? (line as StoreRow) : undefined
}

function openBatcher<T>(work: (batch: T[]) => Promise<void>) {
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

type LineCursor = { current(): ExportLine | undefined; next(): Promise<void> }

async function openLineCursor(lines: AsyncIterable<ExportLine>): Promise<LineCursor> {
  const all = lines[Symbol.asyncIterator]()
  let at = await all.next()
  return {
    current: () => (at.done ? undefined : at.value),
    async next() {
      at = await all.next()
    },
  }
}

/** Yields the `bytes` lines from the cursor's position. */
async function* readInlineBytes({ current, next }: LineCursor): AsyncGenerator<Buffer> {
  for (let line = current(); line?.kind === 'bytes'; line = current()) {
    await next()
    yield Buffer.from(line.data, 'base64')
  }
}

async function putVectors({ vectors }: ExportStores, lines: ExportLineOf<'vector'>[]): Promise<number> {
  const spaces = new Map<string, { space: VectorIndex; lines: ExportLineOf<'vector'>[] }>()
  for (const line of lines) {
    const name = spaceKey(line.model)
    const known = spaces.get(name) ?? { space: await vectors.index(line.model), lines: [] }
    known.lines.push(line)
    spaces.set(name, known)
  }
  let written = 0
  for (const { space, lines } of spaces.values()) written += await addMissing(space, lines)
  return written
}

async function addMissing(space: VectorIndex, lines: ExportLineOf<'vector'>[]): Promise<number> {
  const existing = new Set<string>()
  for (const person of new Set(lines.map(line => line.person)))
    if ((await space.count(person)) > 0)
      for await (const { id } of space.read(person)) existing.add(entryKey(person, id))
  const missing = lines.filter(({ person, id }) => !existing.has(entryKey(person, id)))
  await space.upsert(
    missing.map(({ person, id, values, model }) => ({
      person,
      id,
      values: decodeVector(values, model.dimensions),
    })),
  )
  return missing.length
}

const entryKey = (person: string, id: string) => JSON.stringify([person, id])

const spaceKey = ({ id, dimensions }: EmbeddingModel) => JSON.stringify([id, dimensions])

async function putObject(
  { objects }: ExportStores,
  { key, mediaType, bytes, sha256 }: ExportLineOf<'object'>,
  data: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  if (await objects.metadata(key)) return false
  const written = await objects.write(key, data, { mediaType, maxBytes: bytes })
  if (written.sha256 === sha256) return true
  await objects.delete(key)
  throw new LaresError('invalid_request', `the bytes of the object "${key}" are not those that were exported`)
}
