import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { exportCommand } from './export-import.ts'
import { forgetCommand } from './forget.ts'
import { listMemories } from './memory.ts'
import { withStores } from './stores.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-people-'))
})
afterEach(() => rm(folder, { recursive: true }))

const environmentOf = (protection: string) =>
  readEnvironment({ LARES_HOME: join(folder, 'home'), LARES_CONFIG: folder, LARES_PROTECTION: protection })

test.each(['on', 'off'])('a mistyped person is refused by each command, with encryption %s', async on => {
  const environment = environmentOf(on)
  await withStores(environment, async ({ store, protection }) => {
    await protection?.keys.getOrCreate('alice')
    await store.history.accept({
      conversation: 'c',
      person: 'alice',
      message: {
        id: 'm',
        role: 'user',
        text: 'hello',
        inReplyTo: null,
        createdAt: '2026-05-01T12:00:00.000Z',
        status: 'queued',
      },
    })
  })
  const unknown = { code: 'not_found', message: expect.stringMatching(/"alcie": known are owner, alice$/) }
  await expect(forgetCommand(environment, 'alcie', { yes: true })).rejects.toMatchObject(unknown)
  await expect(listMemories(environment, 'alcie', {})).rejects.toMatchObject(unknown)
  const file = join(folder, 'x.ndjson')
  await expect(exportCommand(environment, file, { person: 'alcie' })).rejects.toMatchObject(unknown)
  // A message waits for its reply, so this export fails too.
  await expect(exportCommand(environment, file, { person: 'alice' })).rejects.toMatchObject({
    code: 'conflict',
  })
  const actions = await withStores(environment, async ({ audit }) =>
    (await audit.read(0, 100)).map(e => e.action),
  )
  expect(actions).toEqual([])
})
