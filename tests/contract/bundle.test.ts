import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ROOT } from '../support/docker.ts'

let folder: string
let out: string

/** What template/node24/Dockerfile does for functions/memory, which has a thread, with the packages of this checkout. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lares-bundle-'))
  out = join(folder, 'out')
  await cp(join(ROOT, 'template', 'node24'), folder, { recursive: true })
  await cp(join(ROOT, 'shared'), join(folder, 'shared'), { recursive: true })
  await mkdir(join(folder, 'functions'))
  await cp(join(ROOT, 'functions', 'memory'), join(folder, 'functions', 'this'), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await promisify(execFile)(process.execPath, ['bundler/bundle.mjs'], { cwd: folder })
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

const bytesOf = async (files: Iterable<string>) => {
  const sizes = await Promise.all([...files].map(async file => (await stat(join(out, file))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A file and all that it imports at its start. */
async function loadedBy(file: string, loaded = new Set<string>()): Promise<Set<string>> {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  const source = await readFile(join(out, file), 'utf8')
  for (const [, imported] of source.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+\.mjs)"/g))
    await loadedBy(imported!, loaded)
  return loaded
}

it('reads at its start what a start needs, and no driver that is not used', async () => {
  const loaded = await loadedBy('main.mjs')
  const all = (await readdir(out)).filter(file => file.endsWith('.mjs'))
  expect(loaded.size).toBeGreaterThan(1)
  expect(await bytesOf(loaded)).toBeLessThan((await bytesOf(all)) / 3)
  for (const file of loaded) expect(file).not.toMatch(/kafka|postgres|minio|qdrant|llama/)
})

it('has the thread that reads documents beside it', async () => {
  const bytes = new TextEncoder().encode('# House\n\n## Boiler\n\nThe code is 7788.\n')
  const thread = new Worker(join(out, 'worker.mjs'), { workerData: { bytes, kind: 'markdown' } })
  const read = await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))
  await thread.terminate()
  expect(JSON.stringify(read)).toContain('7788')
})

it('is compiled whole while the image is built, what is not used at once too', async () => {
  const cache = join(folder, 'compiled')
  const env = { ...process.env, NODE_COMPILE_CACHE: cache }
  await promisify(execFile)(process.execPath, ['out/main.mjs', '--warm-up'], { cwd: folder, env })
  const compiled = (await readdir(cache, { recursive: true, withFileTypes: true })).filter(one =>
    one.isFile(),
  )
  // The thread and the health check are programs of their own.
  const files = (await readdir(out)).filter(file => file.endsWith('.mjs')).length - 2
  expect(compiled.length).toBeGreaterThanOrEqual(files)
})
