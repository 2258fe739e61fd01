import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Client, CopyDestinationOptions, CopySourceOptions } from 'minio'
import { LaresError } from '../base/errors.ts'
import { Agent } from '../base/node-http.ts'
import { receiveToFile } from './bounded-stream.ts'
import { verifyChecksum } from './checksum.ts'
import { FORMAT_NAME, formatText, isFormatMissing } from './format.ts'
import { isObjectKey, type ObjectMetadata, type ObjectStore } from './objects.ts'

export type MinioOptions = {
  /** http:// or https://, host and port. */
  endpoint: string
  accessKey: string
  secretKey: string
  bucket: string
  /** The storage class of cold objects, by the server's name: STANDARD_IA on S3, REDUCED_REDUNDANCY on MinIO. */
  coldClass?: string | undefined
  /** A server that sends nothing for this time counts as unreachable. */
  idleTimeoutMs?: number
}

const UNKNOWN_TYPE = 'application/octet-stream'
const NOT_FOUND_CODES = new Set(['NoSuchKey', 'NotFound', 'NoSuchObject', 'XMinioParentIsObject'])
const MAX_LINK_SECONDS = 7 * 24 * 60 * 60

/**
 * Objects in a bucket of MinIO or any S3; the bucket is created if missing. Content is first written to a temporary
 * file. The server therefore never receives a part of an object, and an object has its checksum from its first moment.
 * Errors: `unavailable`.
 */
export async function openMinioObjects(options: MinioOptions): Promise<ObjectStore> {
  const { endpoint, bucket, coldClass } = options
  const client = createClient(options)
  const spool = join(tmpdir(), `lares-objects-${process.pid}`)
  const requireValidKey = (key: string) => {
    if (!isObjectKey(key)) throw new LaresError('invalid_request', `"${key}" is no object key`)
    return key
  }
  const throwStoreError =
    (what: string) =>
    (cause: Error & { code?: string }): never => {
      if (cause instanceof LaresError) throw cause
      if (NOT_FOUND_CODES.has(cause.code ?? ''))
        throw new LaresError('not_found', `there is no ${what}`, { cause })
      const reason = cause.message || cause.code
      throw new LaresError('unavailable', `the object store ${endpoint} failed at the ${what}: ${reason}`, {
        cause,
      })
    }
  const objectLabel = (key: string) => `object "${key}"`
  const read = async (key: string) => {
    const source = await client
      .getObject(bucket, requireValidKey(key))
      .catch(throwStoreError(objectLabel(key)))
    const { headers } = source as IncomingMessage
    const facts = metadataFrom(headers as Record<string, string>, coldClass)
    // Objects that other programs put into the bucket have no checksum.
    const data =
      facts.sha256 === '' ? (source as Readable) : verifyChecksum(source as Readable, key, facts.sha256)
    return { metadata: facts, data }
  }
  const store: ObjectStore = {
    async put(key, data) {
      const sha256 = createHash('sha256').update(data).digest('hex')
      await client
        .putObject(bucket, requireValidKey(key), data, data.length, { 'Content-Type': UNKNOWN_TYPE, sha256 })
        .catch(throwStoreError(objectLabel(key)))
    },
    async get(key) {
      const { data } = await read(key)
      return await buffer(data).catch(throwStoreError(objectLabel(key)))
    },
    async delete(key) {
      await client.removeObject(bucket, requireValidKey(key)).catch(error => {
        if (!NOT_FOUND_CODES.has(error.code)) throwStoreError(objectLabel(key))(error)
      })
    },
    async write(key, data, declared) {
      requireValidKey(key)
      await mkdir(spool, { recursive: true, mode: 0o700 })
      const file = join(spool, randomUUID())
      try {
        const received = await receiveToFile(file, data, declared)
        const { bytes, sha256, mediaType } = received
        await client.putObject(bucket, key, createReadStream(file), bytes, {
          'Content-Type': mediaType,
          sha256,
        })
        return { ...received, cold: false }
      } catch (error) {
        return throwStoreError(objectLabel(key))(error as Error)
      } finally {
        await rm(file, { force: true })
      }
    },
    read,
    async metadata(key) {
      try {
        const { size, metaData } = await client.statObject(bucket, requireValidKey(key))
        return metadataFrom({ ...toHeaders(metaData), 'content-length': String(size) }, coldClass)
      } catch (error) {
        if (NOT_FOUND_CODES.has((error as { code?: string }).code ?? '')) return undefined
        return throwStoreError(objectLabel(key))(error as Error)
      }
    },
    async *list(prefix) {
      try {
        for await (const { name } of client.listObjectsV2(bucket, prefix, true))
          if (name && isObjectKey(name)) yield name
      } catch (error) {
        throwStoreError(`bucket "${bucket}"`)(error as Error)
      }
    },
    async link(key, { seconds, name }) {
      const expirySeconds = Math.min(seconds, MAX_LINK_SECONDS)
      const disposition = `attachment; filename*=UTF-8''${encodeURIComponent(name)}`
      return await client
        .presignedGetObject(bucket, requireValidKey(key), expirySeconds, {
          'response-content-disposition': disposition,
        })
        .catch(throwStoreError(objectLabel(key)))
    },
    async archive(beforeMs) {
      if (!coldClass) return 0
      let moved = 0
      for await (const { name, lastModified } of client.listObjectsV2(bucket, '', true)) {
        if (!name || !isObjectKey(name)) continue
        if (lastModified === undefined || lastModified.getTime() >= beforeMs) continue
        // The client leaves the storage class out of its lists.
        if ((await store.metadata(name))?.cold !== false) continue
        await setStorageClass(client, bucket, name, coldClass).catch(throwStoreError(objectLabel(name)))
        moved++
      }
      return moved
    },
    async check() {
      const exists = await client.bucketExists(bucket).catch(throwStoreError(`bucket "${bucket}"`))
      if (!exists)
        throw new LaresError(
          'unavailable',
          `the object store ${endpoint} has no bucket "${bucket}"; make it, or set S3_BUCKET`,
        )
    },
  }
  await makeBucket(client, bucket).catch(throwStoreError(`bucket "${bucket}"`))
  await markBucketFormat(client, bucket).catch(throwStoreError(`bucket "${bucket}"`))
  return store
}

/** Copies an object onto itself, which changes its storage class and nothing else. */
async function setStorageClass(
  client: Client,
  bucket: string,
  key: string,
  coldClass: string,
): Promise<void> {
  await client.copyObject(
    new CopySourceOptions({ Bucket: bucket, Object: key }),
    new CopyDestinationOptions({
      Bucket: bucket,
      Object: key,
      MetadataDirective: 'COPY',
      Headers: { 'X-Amz-Storage-Class': coldClass },
    }),
  )
}

/** Errors: those of `isFormatMissing`, and of the server. */
async function markBucketFormat(client: Client, bucket: string): Promise<void> {
  const text = await client.getObject(bucket, FORMAT_NAME).then(
    async source => (await buffer(source)).toString(),
    error => {
      if (NOT_FOUND_CODES.has(error.code)) return undefined
      throw error
    },
  )
  if (isFormatMissing(text, `the bucket "${bucket}"`))
    await client.putObject(bucket, FORMAT_NAME, formatText())
}

async function makeBucket(client: Client, bucket: string): Promise<void> {
  if (await client.bucketExists(bucket)) return
  await client.makeBucket(bucket).catch(error => {
    // Another process has just created the bucket.
    if (error.code !== 'BucketAlreadyOwnedByYou') throw error
  })
}

function createClient({ endpoint, accessKey, secretKey, idleTimeoutMs = 15_000 }: MinioOptions): Client {
  const { protocol, hostname, port } = new URL(endpoint)
  const useSSL = protocol === 'https:'
  // The agent sets its timeout anew on each socket that it reuses, but does nothing when the timeout passes.
  const settings = { keepAlive: true, timeout: idleTimeoutMs }
  const agent = useSSL ? new https.Agent(settings) : new Agent(settings)
  const open = agent.createConnection.bind(agent)
  agent.createConnection = (target, done) => {
    const socket = open(target, done)!
    return socket.on('timeout', () => socket.destroy(new Error(`nothing came for ${idleTimeoutMs} ms`)))
  }
  return new Client({
    endPoint: hostname,
    port: Number(port) || (useSSL ? 443 : 80),
    useSSL,
    accessKey,
    secretKey,
    transportAgent: agent,
    partSize: 16 * 1024 * 1024,
  })
}

/** statObject returns names without their x-amz-meta- prefix. */
const toHeaders = (metaData: Record<string, string>): Record<string, string> => ({
  ...metaData,
  ...(metaData.sha256 && { 'x-amz-meta-sha256': metaData.sha256 }),
})

const metadataFrom = (headers: Record<string, string>, coldClass: string | undefined): ObjectMetadata => ({
  bytes: Number(headers['content-length']),
  sha256: headers['x-amz-meta-sha256'] ?? '',
  mediaType: headers['content-type'] ?? UNKNOWN_TYPE,
  cold: coldClass !== undefined && headers['x-amz-storage-class'] === coldClass,
})
