import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../shared/base/free-port.ts'
import { ask, listMessages } from '../support/conversation.ts'
import { type LaresInstance, TOKEN } from '../support/instance.ts'
import { until } from '../support/until.ts'

/** A checkout of its own, whose functions can be changed. */
let root: string
let child: ChildProcess
let output = ''
let instance: LaresInstance

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lares-dev-'))
  for (const room of ['shared', 'gateway', 'infra', 'node_modules', 'package.json'])
    await symlink(resolve(room), join(root, room))
  for (const own of ['functions', 'config', 'stack.yml'])
    await cp(resolve(own), join(root, own), { recursive: true })
  const port = await freePort()
  const environment = { PORT: String(port), LARES_HOME: join(root, 'home'), LARES_TOKEN: TOKEN }
  const models = { LARES_EMBEDDING_MODEL: 'none', OPENAI_BASE_URL: 'http://127.0.0.1:9', LARES_MODEL: 'none' }
  child = spawn(process.execPath, [resolve('infra/cli/main.ts'), 'dev'], {
    cwd: root,
    env: { ...process.env, ...environment, ...models },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', chunk => {
      output += chunk
    })
  const request = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...init.headers },
    })
  instance = { request } as LaresInstance
  await waitUntilStarted(1)
}, 60_000)
afterAll(async () => {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
  await rm(root, { recursive: true })
}, 60_000)

/** Once it has started so many times. */
const waitUntilStarted = (times: number) => until(() => output.split('Lares is ready').length > times, 30_000)

async function replaceInFile(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(root, file), 'utf8')
  if (!text.includes(from)) throw new Error(`"${from}" is not in ${file}`)
  await writeFile(join(root, file), text.replace(from, to))
}

const HANDLER = 'functions/skills/calculator/handler.ts'

test('a changed function answers in the conversation that goes on; one that is broken waits to be put right', async () => {
  expect(await ask(instance, 'dev', 'what is 6 * 7?')).toContain('42')
  await replaceInFile(HANDLER, "description: '", "description: 'Changed. ")
  await waitUntilStarted(2)
  expect(output).toContain(`${HANDLER} has changed; starting again.`)
  expect(await ask(instance, 'dev', 'what is 6 * 8?')).toContain('48')
  expect(await listMessages(instance, 'dev')).toHaveLength(4)

  await replaceInFile(HANDLER, 'export default', 'this is wrong; export default')
  await until(() => output.includes('is tried again when a file changes'), 30_000)
  await replaceInFile(HANDLER, 'this is wrong; ', '')
  await waitUntilStarted(3)
  expect(await ask(instance, 'dev', 'what is 6 * 9?')).toContain('54')
}, 120_000)

test('the configuration counts, and what a test or an editor writes does not', async () => {
  await writeFile(join(root, 'functions/skills/calculator/handler.test.ts'), '// nothing that runs')
  await writeFile(join(root, 'functions/skills/calculator/.handler.ts.swp'), 'an editor was here')
  await writeFile(join(root, 'config/notes.tmp'), 'nothing')
  await replaceInFile('config/assistant.yaml', 'name:', '# by hand\nname:')
  await waitUntilStarted(4)
  // The watcher reports changes in their order: the files before this one would be among them by now.
  const changed = [...output.matchAll(/(\S+) has changed/g)].map(([, file]) => file)
  expect(changed.slice(3)).toEqual(['config/assistant.yaml'])
}, 60_000)
