import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { request } from 'undici'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../shared/base/free-port.ts'
import { eventToHttp } from '../../shared/contract/events/http-binding.ts'
import { skillRequestEvent } from '../../shared/contract/serve.fixture.ts'
import { ROOT } from '../support/docker/docker.ts'
import { until } from '../support/until.ts'

let folder: string
let out: string

const run = promisify(execFile)

/**
 * The state of template/node24/Dockerfile before it bundles, with the packages of this checkout and no function yet.
 */
async function createBundleFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-bundle-'))
  await cp(join(ROOT, 'template', 'node24'), folder, { recursive: true })
  await cp(join(ROOT, 'shared'), join(folder, 'shared'), { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) await cp(join(ROOT, file), join(folder, file))
  await mkdir(join(folder, 'functions', 'this'), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** The function memory, which has a thread. */
beforeAll(async () => {
  folder = await createBundleFolder()
  out = join(folder, 'out')
  await cp(join(ROOT, 'functions', 'memory'), join(folder, 'functions', 'this'), { recursive: true })
  await run(process.execPath, ['bundler/bundle.mjs'], { cwd: folder })
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

const bytesOf = async (files: Iterable<string>) => {
  const sizes = await Promise.all([...files].map(async file => (await stat(join(out, file))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A file and all that it imports at its start. */
async function filesLoadedBy(file: string, loaded = new Set<string>()): Promise<Set<string>> {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  const source = await readFile(join(out, file), 'utf8')
  for (const [, imported] of source.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+\.mjs)"/g))
    await filesLoadedBy(imported!, loaded)
  return loaded
}

it('reads at its start what a start needs, and no driver that is not used', async () => {
  const loaded = await filesLoadedBy('main.mjs')
  const all = (await readdir(out)).filter(file => file.endsWith('.mjs'))
  expect(loaded.size).toBeGreaterThan(1)
  expect(await bytesOf(loaded)).toBeLessThan((await bytesOf(all)) / 3)
  for (const file of loaded) {
    expect(file).not.toMatch(/kafka|postgres|minio|qdrant|llama|proper-names/)
    // Modules of Node whose import costs a start more than all of its own code.
    expect(await readFile(join(out, file), 'utf8')).not.toMatch(
      /(from|import)"node:(crypto|fs|fs\/promises|http)"/,
    )
  }
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
  await run(process.execPath, ['out/main.mjs', '--warm-up'], { cwd: folder, env })
  const compiled = (await readdir(cache, { recursive: true, withFileTypes: true })).filter(one =>
    one.isFile(),
  )
  // The thread and the health check are programs of their own.
  const files = (await readdir(out)).filter(file => file.endsWith('.mjs')).length - 2
  expect(compiled.length).toBeGreaterThanOrEqual(files)
})

const PARROT = `import * as z from 'zod'
import { defineSkill } from '#lares/skill'

export default defineSkill({
  name: 'parrot',
  description: 'Says back a place.',
  examples: ['where is it'],
  input: z.object({ place: z.string().meta({ reads: 'place' }) }),
  run: ({ place }) => place,
})
`

it('finds its programs in the layer that all functions share', async () => {
  const built = await createBundleFolder()
  const app = await mkdtemp(join(tmpdir(), 'lares-app-'))
  const port = await freePort()
  await writeFile(join(built, 'functions', 'this', 'handler.ts'), PARROT)
  await run(process.execPath, ['bundler/bundle.mjs'], { cwd: built })
  await run(process.execPath, ['bundler/layer.mjs', app], { cwd: built })
  await cp(join(built, 'out'), app, { recursive: true })
  const env = { PATH: process.env.PATH, HOME: app, LARES_HOME: join(app, 'home'), PORT: String(port) }
  const started = spawn(process.execPath, ['main.mjs'], { cwd: app, env, stdio: 'ignore' })
  try {
    const ready = () => request(`http://127.0.0.1:${port}/_/ready`).catch(() => undefined)
    await until(async () => (await ready())?.statusCode === 200)
    for (const [text, place] of [
      ['weather in berlin', 'berlin'],
      ['北京天气怎么样', '北京'],
    ] as const) {
      const answer = await request(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        ...eventToHttp(skillRequestEvent(text)),
      })
      expect(await answer.body.text()).toContain(`"text":"${place}"`)
    }
  } finally {
    started.kill('SIGKILL')
    for (const one of [built, app]) await rm(one, { recursive: true, force: true })
  }
}, 60_000)
