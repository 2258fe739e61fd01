import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSqliteBus } from './sqlite-bus.ts'

const PAGE_BYTES = 4_096

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-damage-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Overwrites eight pages in the middle of the file, as a failing disk does. */
async function damageMiddle(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  const { size } = await handle.stat()
  const middle = Math.floor(size / PAGE_BYTES / 2) * PAGE_BYTES
  await handle.write(Buffer.alloc(8 * PAGE_BYTES, 0xa5), 0, undefined, middle)
  await handle.close()
}

test('a bus that has met a damaged page is not ready from then on, and names the file and the remedy', async () => {
  const file = join(folder, 'bus.db')
  const whole = openSqliteBus({ file, partitions: 1 })
  await whole.ensureTopics([{ name: 't' }])
  const record = { topic: 't', key: 'k', headers: {}, value: Buffer.alloc(3_000, 1) }
  for (let round = 0; round < 20; round++) await whole.publish(Array.from({ length: 20 }, () => record))
  await whole.close()
  await damageMiddle(file)
  const bus = openSqliteBus({ file })
  await bus.check()
  await expect(bus.read('t')).rejects.toThrow(/bus\.db is damaged .*move bus\.db away/)
  await expect(bus.check()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^the database \S+bus\.db is damaged/),
  })
  await bus.close()
})
