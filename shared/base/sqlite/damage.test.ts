import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { requireUndamaged } from './damage.ts'
import { openDatabase } from './database.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-damage-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Overwrites all pages between the first and the last, as a failing disk does. */
async function damage(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  const { size } = await handle.stat()
  await handle.write(Buffer.alloc(size - 2 * 4096, 0xa5), 0, undefined, 4096)
  await handle.close()
}

test('an error of a damaged file names the file and the remedy, also of a statement that reads', async () => {
  const file = join(folder, 'vectors.db')
  const create = ['CREATE TABLE lines (id INTEGER PRIMARY KEY, text TEXT)']
  const whole = openDatabase(file, create)
  const insert = whole.prepare('INSERT INTO lines (text) VALUES (?)')
  for (let row = 0; row < 200; row++) insert.run('x'.repeat(1_000))
  whole.close()
  await damage(file)
  const damaged = openDatabase(file, create)
  const select = damaged.prepare('SELECT * FROM lines')
  for (const read of [() => select.all(), () => [...select.iterate()]])
    expect(read).toThrow(new RegExp(`${file} is damaged .*lares memory rebuild`))
  expect(() => requireUndamaged(damaged)).toThrow(/is damaged/)
  damaged.close()
})
