import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { LaresError } from '../base/errors.ts'
import { HEAD_BYTES, matchesMediaType } from './content-type.ts'
import type { DeclaredContent } from './objects.ts'

export type ContentMetadata = { bytes: number; sha256: string; mediaType: string }

/**
 * Passes a stream on. Throws as soon as the content proves too large or of another type. `received` is final at the
 * end.
 */
export function inspectContent(data: AsyncIterable<Uint8Array>, { mediaType, maxBytes }: DeclaredContent) {
  const hash = createHash('sha256')
  let bytes = 0
  let head: Buffer | undefined = Buffer.alloc(0)
  const checkType = async () => {
    if (head && !(await matchesMediaType(head, mediaType)))
      throw new LaresError('unsupported_media_type', `the content is not ${mediaType}`)
    head = undefined
  }
  const parts = async function* () {
    for await (const part of data) {
      bytes += part.length
      if (bytes > maxBytes)
        throw new LaresError('too_large', `the content is larger than the ${maxBytes} bytes that are taken`)
      if (head) head = Buffer.concat([head, part.subarray(0, HEAD_BYTES - head.length)])
      if (head && head.length === HEAD_BYTES) await checkType()
      hash.update(part)
      yield part
    }
    await checkType()
  }
  return {
    parts: parts(),
    received: (): ContentMetadata => ({ bytes, sha256: hash.digest('hex'), mediaType }),
  }
}

/**
 * Inspects a stream, writes it to a new file and syncs the file. Nothing therefore reaches a store before all of the
 * content has arrived. Leaves no file after an error.
 */
export async function receiveToFile(
  file: string,
  data: AsyncIterable<Uint8Array>,
  declared: DeclaredContent,
): Promise<ContentMetadata> {
  const handle = await open(file, 'wx')
  const { parts, received } = inspectContent(data, declared)
  try {
    for await (const part of parts) await handle.writeFile(part)
    await handle.sync()
    return received()
  } catch (error) {
    await rm(file, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}
