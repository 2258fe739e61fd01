import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const setup = fileURLToPath(new URL('../../infra/setup', import.meta.url))
const lock = JSON.stringify({
  lockfileVersion: 3,
  packages: { '': {}, 'node_modules/one': { version: '1.0.0', integrity: 'sha512-right' } },
})

test('runs the program with its arguments, folders and exit code, types and all', async () => {
  const root = await checkout({ stamped: true })
  const source = `const words: string[] = process.argv.slice(2)
    console.log(JSON.stringify({ words, path: process.env.PATH, cache: process.env.NODE_COMPILE_CACHE }))
    process.exit(3)`
  const { code, output } = await run(root, await program(root, source), ['a b', 'c'])
  expect(code).toBe(3)
  const said = JSON.parse(output)
  expect(said.words).toEqual(['a b', 'c'])
  expect(said.path.split(':')[1]).toBe(join(root, 'node_modules/.bin'))
  expect(said.cache).toBe(join(root, 'node_modules/.cache/compile'))
})

test('lets a signal reach the program', async () => {
  const root = await checkout({ stamped: true })
  const source = `process.on('SIGTERM', () => process.exit(7)); setInterval(() => 0, 1000); console.log('up')`
  const child = start(root, [await program(root, source)])
  await once(child.stdout!, 'data')
  child.kill('SIGTERM')
  expect((await once(child, 'exit'))[0]).toBe(7)
})

test('installs nothing over what somebody installed by hand, and remembers that', async () => {
  const root = await checkout({ installed: lock })
  const { code, output } = await run(root, await program(root, `console.log('ran')`))
  expect([code, output.trim()]).toEqual([0, 'ran'])
  expect(await readFile(join(root, 'node_modules/.lares-stamp'), 'utf8')).toBe(stamp())
})

test('installs when another version is there, and names the remedy when it cannot', async () => {
  const root = await checkout({ installed: lock.replace('right', 'wrong'), stamped: false })
  const { code, output } = await run(root, await program(root, `console.log('ran')`))
  expect(code).toBe(1)
  expect(output).toContain('Installing up to 1 packages')
  expect(output).toContain('npm ci failed')
  expect(output).toMatch(/Connect this machine to the network|Put right what npm says/)
  expect(output).not.toContain('ran')
})

test('says how it is used when there is no program', async () => {
  const { code, output } = await run(await checkout({ stamped: true }))
  expect(code).toBe(1)
  expect(output).toContain('usage: node infra/setup/run.mjs FILE')
})

/** A checkout with one package in its lockfile, in a state of being installed. */
async function checkout({ installed, stamped }: { installed?: string; stamped?: boolean }): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'lares-setup-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  await cp(setup, join(root, 'infra/setup'), { recursive: true })
  await mkdir(join(root, 'node_modules'))
  const dependencies = { one: '1.0.0' }
  await writeFile(
    join(root, 'package.json'),
    JSON.stringify({ name: 'checkout', type: 'module', dependencies }),
  )
  await writeFile(join(root, 'package-lock.json'), lock)
  if (installed) await writeFile(join(root, 'node_modules/.package-lock.json'), installed)
  if (stamped) await writeFile(join(root, 'node_modules/.lares-stamp'), stamp())
  return root
}

function stamp(): string {
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`
}

async function program(root: string, source: string): Promise<string> {
  const file = join(root, 'program.ts')
  await writeFile(file, source)
  return file
}

function start(root: string, args: string[]): ChildProcess {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    npm_config_registry: 'http://127.0.0.1:1',
    npm_config_fetch_retries: '0',
  }
  delete env.NODE_COMPILE_CACHE
  return spawn(process.execPath, [join(root, 'infra/setup/run.mjs'), ...args], { cwd: root, env })
}

async function run(
  root: string,
  file?: string,
  args: string[] = [],
): Promise<{ code: number; output: string }> {
  const child = start(root, file ? [file, ...args] : [])
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', data => (output += data))
  const [code] = await once(child, 'close')
  return { code, output }
}
