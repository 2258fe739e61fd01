import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { diagnose } from '../../infra/cli/doctor/doctor.ts'
import { LARES_VERSION } from '../../shared/base/version.ts'
import { knownVersions } from '../../shared/host/versions.ts'
import { openStores } from '../support/stores/filled-stores.ts'

test('docs/upgrades.md has the versions that the code writes', async () => {
  const page = await readFile('docs/upgrades.md', 'utf8')
  const rows = [...page.matchAll(/^\| `?([^|`]+?)`? \| (\d+) \|/gm)].map(([, what, version]) => [
    what,
    Number(version),
  ])
  expect(Object.fromEntries(rows)).toMatchObject(await knownVersions())
  expect(page).toContain(`Lares ${LARES_VERSION}`)
})

test('doctor shows the version of each file, and finds one that is too new for this Lares', async () => {
  const home = await mkdtemp(join(tmpdir(), 'lares-versions-'))
  const variables = { LARES_HOME: home, LARES_URL: 'http://127.0.0.1:9', LARES_EMBEDDING_MODEL: '' }
  try {
    const drivers = openStores(variables)
    await Promise.all([drivers.bus(), drivers.store(), drivers.vectors()])
    await drivers.close()
    const known = await knownVersions()
    const versions = async () =>
      (await diagnose(variables)).filter(({ what }) => what === 'versions').map(({ message }) => message)
    expect(await versions()).toEqual(
      (['bus.db', 'conversations.db', 'keys.db', 'vectors.db'] as const).map(
        name => `${join(home, name)} has schema ${known[name]}`,
      ),
    )
    const database = new DatabaseSync(join(home, 'vectors.db'))
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect((await diagnose(variables)).find(({ message }) => message.includes('schema 99'))).toMatchObject({
      level: 'problem',
    })
  } finally {
    await rm(home, { recursive: true })
  }
})
