import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startOrSkip } from '../../support/npm-program.ts'
import { fillStores, openStores } from '../../support/stores/filled-stores.ts'
import { startMinio } from '../../support/stores/minio.ts'
import { startPostgres } from '../../support/stores/postgres.ts'
import { startQdrant } from '../../support/stores/qdrant.ts'

const postgres = await startOrSkip(() => startPostgres())
const qdrant = await startOrSkip(startQdrant)
const minio = await startOrSkip(startMinio)
afterAll(async () => {
  await minio?.close()
  await qdrant?.close()
  await postgres?.close()
})

describe.skipIf(!postgres || !qdrant || !minio)('a backup between embedded stores and real servers', () => {
  let folder: string
  let cluster: NodeJS.ProcessEnv

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lares-backup-'))
    cluster = {
      LARES_HOME: join(folder, 'cluster'),
      DATABASE_URL: await postgres!.database(),
      QDRANT_URL: qdrant!.url,
      S3_ENDPOINT: minio!.endpoint,
      S3_ACCESS_KEY: minio!.accessKey,
      S3_SECRET_KEY: minio!.secretKey,
      S3_BUCKET: 'restored',
    }
  })
  afterAll(() => rm(folder, { recursive: true }))

  const lares = async (variables: NodeJS.ProcessEnv, ...args: string[]) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['infra/cli/lares.mjs', ...args, '--json'],
      { env: { ...process.env, LARES_URL: 'http://127.0.0.1:9', ...variables } },
    )
    return JSON.parse(stdout)
  }

  /** A data directory with nothing but the master key of the first deployment. */
  async function newHome(name: string): Promise<string> {
    const home = join(folder, name)
    await mkdir(home, { recursive: true })
    await cp(join(folder, 'embedded', 'master.key'), join(home, 'master.key'))
    return home
  }

  const digestOf = async (variables: NodeJS.ProcessEnv, name: string) => {
    const { lines, digest } = await lares(variables, 'export', join(folder, `${name}.ndjson`), '--unfinished')
    return { lines, digest }
  }

  /** Of a person: the record of a restore is nobody's, and is not in the deployment that was backed up. */
  const personDigest = (variables: NodeJS.ProcessEnv, name: string) =>
    lares(variables, 'export', join(folder, `${name}.ndjson`), '--unfinished', '--person', 'alice')

  test('embedded → PostgreSQL, Qdrant, MinIO → embedded: everything is there, readable, with its keys and audit log', async () => {
    const embedded = { LARES_HOME: join(folder, 'embedded') }
    const filled = openStores(embedded)
    await fillStores(filled)
    await filled.close()
    const before = await digestOf(embedded, 'before')
    const first = await lares(embedded, 'backup', join(folder, 'first.backup'))

    await newHome('cluster')
    const there = await lares(cluster, 'restore', join(folder, 'first.backup'))
    expect(there).toMatchObject({ alreadyThere: 0, keys: 4 })
    expect((await digestOf(cluster, 'there')).lines).toBe(before.lines + 1)
    expect(await personDigest(cluster, 'alice-there')).toEqual(await personDigest(embedded, 'alice-before'))
    expect(await lares(cluster, 'audit', 'verify')).toMatchObject({ problems: [] })

    await lares(cluster, 'backup', join(folder, 'second.backup'))
    const back = { LARES_HOME: await newHome('back') }
    await expect(lares(cluster, 'restore', join(folder, 'first.backup'))).rejects.toThrow('was restored here')
    // The second backup has the record of the first restore, and is another backup.
    await lares(back, 'restore', join(folder, 'second.backup'))
    expect(await personDigest(back, 'alice-back')).toEqual(await personDigest(embedded, 'alice-again'))
    expect(await lares(back, 'audit', 'verify')).toMatchObject({ problems: [] })
    process.stdout.write(`backup embedded → servers → embedded: ${JSON.stringify({ first, there })}\n`)
  }, 240_000)

  test('a person who is forgotten in the restored deployment is forgotten there too', async () => {
    expect(await lares(cluster, 'forget', 'alice', '--yes')).toMatchObject({ keys: 1, messages: 700 })
  }, 60_000)
})
