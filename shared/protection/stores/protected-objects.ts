import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { LaresError } from '../../base/errors.ts'
import { inspected, type Received } from '../../objects/bounded-stream.ts'
import type { Declared, ObjectStore } from '../../objects/objects.ts'
import { personOfKey } from '../../objects/person-folder.ts'
import type { DataKey } from '../envelope.ts'
import type { Keys } from '../keys.ts'
import { factsIn, openContent, readHead, sealingObject } from './object-envelope.ts'

const OPAQUE: Declared = { mediaType: 'application/octet-stream', maxBytes: Number.POSITIVE_INFINITY }

/**
 * Any driver's objects, encrypted with the key of the person in whose folder they are (`folderOf`), elsewhere with the
 * house's. Their facts (size, checksum, type) are those of the content, and are encrypted too. Nobody can read them but
 * through Lares, so there are no links. Errors besides the driver's: `forgotten` of what is written for somebody without a key.
 */
export function protectedObjects(inner: ObjectStore, keys: Keys): ObjectStore {
  const spool = join(tmpdir(), `lares-sealed-${process.pid}`)
  const keyFor = (name: string) => keys.ofKnown(personOfKey(name))
  const read = async (name: string) => {
    const { facts, data } = await inner.read(name)
    try {
      const { head, more } = await takeHead(name, data)
      const key = await keys.byId(head.keyId)
      if (!key) throw new LaresError('not_found', `there is no object "${name}": it was forgotten`)
      return { facts: { ...factsIn(key, name, head), cold: facts.cold }, key, head, more, data }
    } catch (error) {
      data.destroy()
      throw error
    }
  }
  return {
    ...inner,
    async put(name, data) {
      await inner.put(name, await sealWhole(await keyFor(name), name, data))
    },
    async get(name) {
      const { key, head, more } = await read(name)
      return await buffer(openContent(key, name, head, more))
    },
    async write(name, data, declared) {
      const key = await keyFor(name)
      await mkdir(spool, { recursive: true, mode: 0o700 })
      const file = join(spool, randomUUID())
      try {
        const { head, received } = await gather(key, name, file, inspected(data, declared))
        const { cold } = await inner.write(name, whole(head, file), OPAQUE)
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
      const { facts, key, head, more, data } = await read(name)
      const content = Readable.from(openContent(key, name, head, more), { objectMode: false })
      // Who leaves early lets go of the source too.
      return { facts, data: content.on('close', () => data.destroy()) }
    },
    async facts(name) {
      if (!(await inner.facts(name))) return undefined
      const { facts, data } = await read(name)
      data.destroy()
      return facts
    },
    link: async () => undefined,
  }
}

/** The beginning of a stream, and what comes after it. */
async function takeHead(name: string, data: Readable) {
  const parts = data[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let bytes = Buffer.alloc(0)
  for (;;) {
    const head = readHead(bytes, name)
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

async function sealWhole(key: DataKey, name: string, data: Buffer): Promise<Buffer> {
  const sealing = sealingObject(key, name)
  const { parts, received } = inspected(Readable.from([data]), OPAQUE)
  const sealed: Buffer[] = []
  for await (const part of parts) sealed.push(sealing.update(part))
  sealed.push(sealing.end())
  return Buffer.concat([sealing.head(received()), ...sealed])
}

/** Only what is encrypted touches the disk. */
async function gather(
  key: DataKey,
  name: string,
  file: string,
  { parts, received }: ReturnType<typeof inspected>,
): Promise<{ head: Buffer; received: Received }> {
  const sealing = sealingObject(key, name)
  const handle = await open(file, 'wx', 0o600)
  try {
    for await (const part of parts) await handle.writeFile(sealing.update(part))
    await handle.writeFile(sealing.end())
  } finally {
    await handle.close()
  }
  const facts = received()
  return { head: sealing.head(facts), received: facts }
}

async function* whole(head: Buffer, file: string): AsyncGenerator<Buffer> {
  yield head
  yield* createReadStream(file)
}
