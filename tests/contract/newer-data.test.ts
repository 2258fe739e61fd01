import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseState } from '../../functions/dialog/state.ts'
import { loadOwnerToken } from '../../gateway/auth/owner-token.ts'
import { parseHeader } from '../../infra/cli/backup/backup-format.ts'
import { silentLogger } from '../../shared/base/log.ts'
import { readEnvironment } from '../../shared/config/environment.ts'
import { eventFromRecord } from '../../shared/contract/events/kafka-binding.ts'
import { openRawObjects } from '../../shared/host/raw-drivers.ts'
import type { ObjectStore } from '../../shared/objects/objects.ts'
import { generateMasterKeyText, parseMasterKey } from '../../shared/protection/master-key.ts'
import { openProtection } from '../../shared/protection/protection.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lares-newer-'))
})
afterEach(() => rm(home, { recursive: true }))

const environment = () => readEnvironment({ LARES_HOME: home })
const REFUSAL = /written by a newer Lares \(schema 2, this one knows 1\)/

test('objects get a format, objects of 0.1.0 too, and those of a newer Lares are refused with the version that they need', async () => {
  const objects = await openRawObjects(environment())
  await objects.put('people/x/a', Buffer.from('kept'))
  const file = join(home, 'objects', '.lares-format')
  await rm(file)
  const again = await openRawObjects(environment())
  expect((await again.get('people/x/a')).toString()).toBe('kept')
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ format: 1 })
  expect(await keysOf(again)).toEqual(['people/x/a'])
  const newer = JSON.stringify({ format: 2, lares: '9.8.7' })
  await writeFile(file, newer)
  await expect(openRawObjects(environment())).rejects.toThrow(/schema 2, .*start Lares 9\.8\.7 or later/)
  expect(await readFile(file, 'utf8')).toBe(newer)
})

test('a master key of a newer Lares is refused, and the file stays', async () => {
  const file = join(home, 'master.key')
  await writeFile(file, `lares2:${generateMasterKeyText()}\n`)
  const protection = openProtection(environment(), silentLogger)!
  await expect(protection.ready()).rejects.toThrow(REFUSAL)
  await protection.close()
  expect(await readFile(file, 'utf8')).toMatch(/^lares2:/)
  expect(parseMasterKey(generateMasterKeyText(), 'here').id).toMatch(/^[0-9a-f]{16}$/)
})

test('a token of a newer Lares is refused, and no new one is made', async () => {
  await writeFile(join(home, 'token'), 'lares2:abcdefghijklmnop\n')
  await expect(loadOwnerToken(home)).rejects.toThrow(REFUSAL)
  expect(await readFile(join(home, 'token'), 'utf8')).toBe('lares2:abcdefghijklmnop\n')
})

test('a record and a state of a newer Lares wait for it instead of being lost', () => {
  const record = { headers: { ce_id: 'e', ce_dataversion: '2' }, value: Buffer.from('{}') }
  const refusal = expect.objectContaining({ code: 'unavailable', retryable: true })
  expect(() => eventFromRecord(record)).toThrow(refusal)
  expect(() => parseState({ version: 2, turn: 'of tomorrow' })).toThrow(refusal)
  expect(parseState(undefined)).toMatchObject({ version: 1 })
})

test('a backup of a newer Lares is refused with the version that it needs', () => {
  const header = JSON.stringify({ kind: 'lares-backup', format: 2, lares: '9.8.7', more: true })
  expect(() => parseHeader(header, 'it.backup')).toThrow(/schema 2, .*start Lares 9\.8\.7 or later/)
})

async function keysOf(objects: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const key of objects.list('')) keys.push(key)
  return keys
}
