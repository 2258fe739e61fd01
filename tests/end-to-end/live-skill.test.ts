import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSkill } from '../../infra/cli/new-skill.ts'
import { type StartedProvider, startProvider } from '../../infra/provider/start.ts'
import { silentLogger } from '../../shared/base/log.ts'
import { readStack } from '../../shared/contract/stack.ts'
import { ask } from '../support/conversation.ts'
import { type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { basicAuth, PASSWORD } from '../support/provider.ts'
import { until } from '../support/until.ts'

const LINKED_FUNCTIONS = ['intent', 'memory', 'dialog', 'generation', 'skills/time']

let root: string
let home: string
let model: ModelServer
let provider: StartedProvider
let instance: LaresInstance

/** A checkout of its own, so that a skill can be written into it, with this one's parts. */
async function createCheckout(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-checkout-'))
  for (const part of ['shared', 'node_modules', 'package.json'])
    await symlink(resolve(part), join(folder, part))
  await mkdir(join(folder, 'functions', 'skills'), { recursive: true })
  for (const stage of LINKED_FUNCTIONS)
    await symlink(resolve('functions', stage), join(folder, 'functions', stage))
  await cp('stack.yml', join(folder, 'stack.yml'))
  return folder
}

const systemRequest = async (method: string, body: object) => {
  const answer = await fetch(`${provider.url}/system/functions`, {
    method,
    headers: { authorization: basicAuth(PASSWORD) },
    body: JSON.stringify(body),
  })
  expect([answer.status, await answer.text()]).toEqual([202, ''])
}
const deploy = async (name: string, method = 'POST') => {
  const found = (await readStack(join(root, 'stack.yml'))).find(one => one.name === name)
  const annotations = { topic: found?.topics.join(',') ?? `lares.skill.${name}` }
  await systemRequest(method, { service: name, image: `127.0.0.1:5000/lares/${name}:latest`, annotations })
}

const rejectAfter = (ms: number) =>
  new Promise<never>((_, reject) => setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms).unref())

beforeAll(async () => {
  root = await createCheckout()
  model = await startModelServer({})
  home = await mkdtemp(join(tmpdir(), 'lares-live-'))
  const environment = { LARES_HOME: home, OPENAI_BASE_URL: model.url, LARES_MODEL: 'stand-in' }
  provider = await startProvider({
    backend: 'process',
    port: 0,
    home,
    skillFolders: [join(home, 'skills')],
    root,
    password: PASSWORD,
    labels: new Map(),
    prewarmed: 1,
    environment: { ...process.env, ...environment },
    version: '0.0.0',
    log: silentLogger,
  })
  for (const stage of LINKED_FUNCTIONS) await deploy(basename(stage))
  instance = await startInstance({
    kind: 'embedded',
    modelUrl: model.url,
    environment: { ...environment, OPENFAAS_URL: provider.url, PROVIDER_PASSWORD: PASSWORD },
  })
}, 120_000)

afterAll(async () => {
  await instance?.stop()
  await provider?.close({ stopFunctions: true })
  await model?.close()
  for (const folder of [root, home]) await rm(folder, { recursive: true, force: true })
}, 60_000)

test('an instance whose functions are deployed through the provider answers', async () => {
  expect(await ask(instance, 'first', 'tell me something nice', 40_000)).toBe('echo: tell me something nice')
  expect(await ask(instance, 'first', 'what time is it in Tokyo?')).toContain('Tokyo')
})

test('a new skill is answered within 5 seconds of its deployment, changes with an update, and is gone with its removal', async () => {
  // A folder of the operator's own: stack.yml knows nothing of it.
  const { lines, folder } = await createSkill(join(home, 'skills'), 'marmot-fact')
  expect(lines).toBeLessThanOrEqual(20)
  await deploy('marmot-fact')
  let n = 0
  const says = (text: string) =>
    until(async () => (await ask(instance, `live-${++n}`, 'marmot fact, please')).includes(text), 5_000)
  await says('marmot fact greets you.')

  const handler = join(folder, 'handler.ts')
  await writeFile(handler, (await readFile(handler, 'utf8')).replace('greets', 'waves at'))
  await deploy('marmot-fact', 'PUT')
  await says('marmot fact waves at you.')

  await systemRequest('DELETE', { functionName: 'marmot-fact' })
  const asked: Promise<string>[] = []
  const echoed = Promise.withResolvers<void>()
  const asking = setInterval(() => {
    const reply = ask(instance, `gone-${asked.length}`, 'marmot fact, please')
    asked.push(reply)
    void reply.then(text => text === 'echo: marmot fact, please' && echoed.resolve())
  }, 500)
  await Promise.race([echoed.promise, rejectAfter(5_000)]).finally(() => clearInterval(asking))
  // A person who asked for the removed skill gets an apology: no turn waits for it.
  for (const reply of await Promise.all(asked)) expect(reply).not.toBe('')
}, 60_000)

test('a skill that breaks fails for itself alone', async () => {
  await mkdir(join(root, 'functions', 'skills', 'clumsy'))
  await writeFile(
    join(root, 'functions', 'skills', 'clumsy', 'handler.ts'),
    `export default { name: 'clumsy', description: 'Falls.', examples: ['be clumsy now', 'clumsy, fall over', 'fall over'],
      handleMessage() { process.exit(1) } }`,
  )
  const annotations = { topic: 'lares.skill.clumsy' }
  await systemRequest('POST', { service: 'clumsy', image: '127.0.0.1:5000/lares/clumsy:latest', annotations })
  await until(async () => {
    const answer = await instance.request('/v1/chat/completions', { method: 'POST', body: '{}' })
    await answer.text()
    return provider.backend.get('clumsy').availableReplicas === 1
  })
  const falling = ask(instance, 'falling', 'clumsy, fall over', 60_000).catch(() => 'no answer')
  expect(await ask(instance, 'beside', 'what time is it in Tokyo?')).toContain('Tokyo')
  expect(await ask(instance, 'beside', 'tell me more')).toBe('echo: tell me more')
  await falling
}, 90_000)
