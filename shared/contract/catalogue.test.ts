import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { type Manifest, openCatalogue } from './catalogue.ts'

let folder: string
let store: Store

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-catalogue-'))
  store = openSqliteStore(join(folder, 'conversations.db'))
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

const skillManifest = (name: string, description = name): Manifest => ({
  name,
  topics: [`lares.skill.${name}`],
  emits: ['lares.result.returned'],
  uses: [],
  concurrency: 1,
  skill: { name, description, examples: [], input: { type: 'object' }, readsText: true },
})
const stageManifest: Manifest = { name: 'dialog', topics: [], emits: [], uses: [], concurrency: 1 }

test('the skills of the manifests are known by name in every process, and functions that are none are not', async () => {
  const writer = openCatalogue(store.records)
  await writer.write([skillManifest('time'), stageManifest, skillManifest('notes')])
  const reader = openCatalogue(store.records)
  expect((await reader.skills()).map(({ name }) => name)).toEqual(['notes', 'time'])
})

test('what changed is written anew, what is gone removed; a reader sees it within a second', async () => {
  let now = 0
  const reader = openCatalogue(store.records, () => now)
  const writer = openCatalogue(store.records)
  await writer.write([skillManifest('time'), skillManifest('notes')])
  expect(await reader.skills()).toHaveLength(2)
  await writer.write([skillManifest('time', 'tells the time')])
  now = 1_000
  expect(await reader.skills()).toHaveLength(2)
  now = 1_001
  expect(await reader.skills()).toMatchObject([{ name: 'time', description: 'tells the time' }])
})

test('a skill whose function is deployed and away for a moment stays; one that is not deployed any more goes', async () => {
  const catalogue = openCatalogue(store.records)
  await catalogue.write(
    [skillManifest('time'), skillManifest('notes'), skillManifest('weather')],
    ['time', 'notes', 'weather'],
  )
  await catalogue.write([skillManifest('time')], ['time', 'notes'])
  expect((await catalogue.skills()).map(({ name }) => name)).toEqual(['notes', 'time'])
  await catalogue.write([], ['time', 'notes'])
  expect(await catalogue.skills()).toHaveLength(2)
})

test('an entry that another version has written harms nobody', async () => {
  const body = { name: 'time', language: 'klingon' }
  const stored = { id: 'time', person: '', text: '', body, createdAt: '2026-05-01T12:00:00Z' }
  await store.records.put('catalogue', stored)
  const catalogue = openCatalogue(store.records)
  expect(await catalogue.skills()).toEqual([])
  await catalogue.write([skillManifest('time')], ['time'])
  expect(await catalogue.skills()).toMatchObject([{ name: 'time' }])
})
