import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { LaresError } from '../../base/errors.ts'
import { type ContentMetadata, inspectContent } from '../../objects/bounded-stream.ts'
import type { DeclaredContent, ObjectStore } from '../../objects/objects.ts'
import { personOfKey } from '../../objects/person-folder.ts'
import type { DataKey } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { createObjectSealer, readHeader, unsealContent, unsealMetadata } from './object-envelope.ts'

const OPAQUE_CONTENT: DeclaredContent = {
  mediaType: 'application/octet-stream',
  maxBytes: Number.POSITIVE_INFINITY,
}

/**
 * Wraps any driver's objects. An object in a person's folder (`personFolder`) is encrypted with that person's key, any
 * other with the system key. Its metadata (size, checksum, type) describes the plain content, and is encrypted too.
 * Only Lares can read the objects, so there are no links. Errors in addition to the driver's: `forgotten` for a write
 * of a person without a key.
 */
export function protectedObjects(inner: ObjectStore, keys: Keys): ObjectStore {
  const spool = join(tmpdir(), `lares-sealed-${process.pid}`)
  const keyFor = (name: string) => keys.require(personOfKey(name))
  const read = async (name: string) => {
    const { metadata, data } = await inner.read(name)
    try {
      const { head, more } = await readHeaderFrom(name, data)
      const key = await keys.byId(head.keyId)
      if (!key) throw new LaresError('not_found', `there is no object "${name}": it was forgotten`)
      return { metadata: { ...unsealMetadata(key, name, head), cold: metadata.cold }, key, head, more, data }
    } catch (error) {
      data.destroy()
      throw error
    }
  }
  return {
    ...inner,
    async put(name, data) {
      await inner.put(name, await sealBuffer(await keyFor(name), name, data))
    },
    async get(name) {
      const { key, head, more } = await read(name)
      return await buffer(unsealContent(key, name, head, more))
    },
    async write(name, data, declared) {
      const key = await keyFor(name)
      await mkdir(spool, { recursive: true, mode: 0o700 })
      const file = join(spool, randomUUID())
      try {
        const { head, received } = await sealToFile(key, name, file, inspectContent(data, declared))
        const { cold } = await inner.write(name, headerThenFile(head, file), OPAQUE_CONTENT)
        return { ...received, cold }
      } catch (error) {
        if (error instanceof LaresError) throw error
        const { message } = error as Error
        throw new LaresError('unavailable', `the object "${name}" cannot be written: ${message}`, {
          cause: error,
        })
      } finally {
        await rm(file, { force: true })
      }
    },
    async read(name) {
      const { metadata, key, head, more, data } = await read(name)
      const content = Readable.from(unsealContent(key, name, head, more), { objectMode: false })
      // A reader that stops early also destroys the source.
      return { metadata, data: content.on('close', () => data.destroy()) }
    },
    async metadata(name) {
      if (!(await inner.metadata(name))) return undefined
      const { metadata, data } = await read(name)
      data.destroy()
      return metadata
    },
    link: async () => undefined,
  }
}

/** Reads the header at the start of a stream, and returns it with the rest. */
async function readHeaderFrom(name: string, data: Readable) {
  const parts = data[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let bytes = Buffer.alloc(0)
  for (;;) {
    const head = readHeader(bytes, name)
    if (head) return { head, more: { [Symbol.asyncIterator]: () => parts } }
    const { value, done } = await parts.next()
    if (done)
      throw new LaresError(
        'failed',
        `the object "${name}" was written without encryption, or is damaged: objects of before can be exported with LARES_PROTECTION=off`,
        { retryable: false },
      )
    bytes = Buffer.concat([bytes, value])
  }
}

async function sealBuffer(key: DataKey, name: string, data: Buffer): Promise<Buffer> {
  const sealer = createObjectSealer(key, name)
  const { parts, received } = inspectContent(Readable.from([data]), OPAQUE_CONTENT)
  const sealed: Buffer[] = []
  for await (const part of parts) sealed.push(sealer.update(part))
  sealed.push(sealer.end())
  return Buffer.concat([sealer.head(received()), ...sealed])
}

/** Only encrypted bytes reach the disk. */
async function sealToFile(
  key: DataKey,
  name: string,
  file: string,
  { parts, received }: ReturnType<typeof inspectContent>,
): Promise<{ head: Buffer; received: ContentMetadata }> {
  const sealer = createObjectSealer(key, name)
  const handle = await open(file, 'wx', 0o600)
  try {
    for await (const part of parts) await handle.writeFile(sealer.update(part))
    await handle.writeFile(sealer.end())
  } finally {
    await handle.close()
  }
  const facts = received()
  return { head: sealer.head(facts), received: facts }
}

async function* headerThenFile(head: Buffer, file: string): AsyncGenerator<Buffer> {
  yield head
  yield* createReadStream(file)
}
