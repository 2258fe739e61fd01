import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { GatewayOptions } from '../../../gateway/options.ts'
import { openAudit } from '../../../shared/protection/audit/audit.ts'
import { openSqliteStore } from '../../../shared/store/sqlite/sqlite-store.ts'
import type { Store } from '../../../shared/store/store.ts'
import { OWNER_TOKEN, openTestGateway, type TestGateway } from './gateway-instance.ts'

let folder: string
let store: Store
let gateway: TestGateway

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-audit-'))
  store = openSqliteStore(join(folder, 'audit.db'))
  const audit = openAudit({ store: store.audit, protection: undefined })
  gateway = await openTestGateway({ overrides: { audit } })
})
afterEach(async () => {
  await gateway.close()
  await rm(folder, { recursive: true })
})

const signIn = () =>
  fetch(`${gateway.url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: OWNER_TOKEN }),
  })

const followSignInLink = () => fetch(`${gateway.url}/?token=${OWNER_TOKEN}`, { redirect: 'manual' })

test('each sign-in is recorded, by the form and by the link', async () => {
  expect((await signIn()).headers.get('set-cookie')).toContain('lares=')
  expect((await followSignInLink()).headers.get('set-cookie')).toContain('lares=')
  const rows = await store.audit.read(0, 10)
  expect(rows.map(({ text }) => JSON.parse(text))).toMatchObject([
    { action: 'signed-in', by: 'person:owner' },
    { action: 'signed-in', by: 'person:owner' },
  ])
  await store.close()
})

test('a sign-in that cannot be recorded is refused', async () => {
  await store.close()
  for (const response of [await signIn(), await followSignInLink()]) {
    expect(response.status).toBeGreaterThanOrEqual(500)
    expect(response.headers.get('set-cookie')).toBeNull()
  }
})

test('a gateway cannot be built without saying what records and what encrypts', () => {
  type Forgotten = 'audit' | 'protection'
  // @ts-expect-error: both are required, so that a forgotten one is found by the compiler.
  const incomplete: GatewayOptions = {} as Omit<GatewayOptions, Forgotten>
  expect(incomplete).not.toHaveProperty('audit')
})
