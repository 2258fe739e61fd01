import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startOrSkip } from '../../support/npm-program.ts'
import { fillStores, openStores, PEOPLE } from '../../support/stores/filled-stores.ts'
import { startMinio } from '../../support/stores/minio.ts'
import { findPlantedWords } from '../../support/stores/planted.ts'
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

describe.skipIf(!postgres || !qdrant || !minio)('moving between embedded stores and real servers', () => {
  let folder: string
  let cluster: NodeJS.ProcessEnv

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lares-moving-'))
    cluster = {
      LARES_HOME: join(folder, 'cluster'),
      DATABASE_URL: await postgres!.database(),
      QDRANT_URL: qdrant!.url,
      S3_ENDPOINT: minio!.endpoint,
      S3_ACCESS_KEY: minio!.accessKey,
      S3_SECRET_KEY: minio!.secretKey,
      S3_BUCKET: 'moved',
    }
  })
  afterAll(() => rm(folder, { recursive: true }))

  const lares = async (variables: NodeJS.ProcessEnv, ...args: string[]) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['infra/cli/lares.mjs', ...args, '--json'],
      {
        env: { ...process.env, ...variables },
      },
    )
    return JSON.parse(stdout)
  }

  test('what goes from embedded to PostgreSQL, Qdrant and MinIO and back is what it was, by its digest', async () => {
    const embedded = { LARES_HOME: join(folder, 'embedded') }
    const filled = openStores(embedded)
    await fillStores(filled)
    await filled.close()
    const first = await lares(embedded, 'export', join(folder, 'first.ndjson'))
    const moved = await lares(cluster, 'import', join(folder, 'first.ndjson'))
    // A second import into the same stores adds nothing.
    const again = await lares(cluster, 'import', join(folder, 'first.ndjson'))
    const second = await lares(cluster, 'export', `${join(folder, 'second')}/`)
    const back = { LARES_HOME: join(folder, 'back') }
    await lares(back, 'import', join(folder, 'second'))
    const third = await lares(back, 'export', join(folder, 'third.ndjson'))
    expect([second, third]).toEqual([first, first])
    expect(again).toMatchObject({ rows: 0, objects: 0 })
    const report = { lines: first.lines, digest: first.digest, moved }
    process.stdout.write(`embedded → PostgreSQL, Qdrant, MinIO → embedded: ${JSON.stringify(report)}\n`)
    const text = await readFile(join(folder, 'third.ndjson'), 'utf8')
    for (const person of PEOPLE) expect(text).toContain(`${person} says 699`)
  }, 240_000)

  test('on the servers nothing of it is in the clear, and a person is forgotten there too', async () => {
    const client = new pg.Client({ connectionString: cluster.DATABASE_URL })
    await client.connect()
    const tables = ['conversations', 'messages', 'documents', 'document_words', 'timers', 'audit']
    let dump = ''
    for (const table of tables)
      dump += JSON.stringify((await client.query(`SELECT * FROM lares.${table}`)).rows)
    await client.end()
    const isThere = (text: string) => dump.includes(text)
    expect([isThere('alice'), isThere('alice says'), isThere('DROP TABLE'), isThere('stretch')]).toEqual([
      true,
      false,
      false,
      false,
    ])
    const report = await lares(cluster, 'forget', 'alice', '--yes')
    expect(report).toMatchObject({
      keys: 1,
      conversations: 1,
      messages: 700,
      documents: 4,
      timers: 2,
      vectors: 120,
      objects: 3,
    })
    const left = lares(cluster, 'export', join(folder, 'left.ndjson'), '--person', 'alice')
    await expect(left).rejects.toThrow('nobody is known here as "alice"')
    expect(await lares(cluster, 'audit', 'verify')).toMatchObject({ problems: [] })
    expect(await findPlantedWords(['alice says'], join(folder, 'cluster'))).toEqual([])
  }, 120_000)

  test('the master key is rotated there, and everything is read as before', async () => {
    const before = await lares(cluster, 'export', join(folder, 'before.ndjson'))
    expect(await lares(cluster, 'keys', 'rotate')).toMatchObject({ rewrapped: 3 })
    expect(await lares(cluster, 'export', join(folder, 'after.ndjson'))).toEqual(before)
  }, 120_000)
})
