import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'

/** The commands that do not run here, and the reasons. */
const EXCLUDED_COMMANDS: { command: RegExp; because: string }[] = [
  {
    command: /^(\w+=\S+ )*npm start$/,
    because: 'it starts an instance and stays; these tests start theirs in the same way',
  },
  { command: /^npm (test|run test:\w+)( --.*)?$/, because: 'these tests run within them' },
  {
    command: /^npm run (kafka|start:kafka|provider)( --.*)?$/,
    because: 'it stays until it is stopped: the integration tests start it',
  },
  { command: /^npm run bench:\w+( --.*)?$/, because: 'it takes minutes, and a machine of its own' },
  {
    command: /^npm run simulate( --.*)?$/,
    because: 'it takes minutes: tests/simulation runs it for fewer seeds',
  },
  {
    command: /\bfaas-cli /,
    because: 'no registry carries it: its requests are replayed as they were recorded',
  },
  {
    command: /^npx lares new skill \w+$/,
    because: 'it writes into the checkout: tests/end-to-end/live-skill.test.ts does it in a copy',
  },
]
/** An endless stream has been seen when this is over. */
const STREAM_SECONDS = 3

let model: ModelServer
let instance: LaresInstance

beforeAll(async () => {
  model = await startModelServer()
  // Without LARES_TOKEN the instance makes a token and keeps it in its LARES_HOME, where the docs look for it.
  instance = await startInstance({ kind: 'embedded', modelUrl: model.url, environment: { LARES_TOKEN: '' } })
})
afterAll(async () => {
  await instance?.stop()
  await model?.close()
})

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...(await readdir('docs')).filter(isPage).map(name => join('docs', name)),
]

function isPage(name: string): boolean {
  return name.endsWith('.md')
}

/** The commands in the ```sh blocks, each whole, without its comment. */
async function commandsIn(page: string): Promise<string[]> {
  const text = await readFile(page, 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)]
    .flatMap(([, block]) => block!.replaceAll(/\\\n\s*/g, ' ').split('\n'))
    .map(line => line.replace(/\s+# .*$/, '').trim())
    .filter(line => line !== '' && !line.startsWith('#'))
}

const shouldRun = (command: string) => !EXCLUDED_COMMANDS.some(one => one.command.test(command))

/** Runs commands as a person does, one after the other in one shell; a failed status or an HTTP error ends it. */
function runCommands(commands: string[]): Promise<{ code: number | null; output: string }> {
  const script = [
    'set -euo pipefail',
    `curl() { command curl --fail-with-body -sS --max-time ${STREAM_SECONDS} "$@" || [ $? -eq 28 ]; }`,
    ...commands.flatMap(command => [`echo "$ "${shellQuote(command)}`, rewriteForInstance(command)]),
  ]
  const child = spawn('bash', ['-c', script.join('\n')], {
    env: {
      ...process.env,
      LARES_URL: instance.url,
      LARES_HOME: instance.home,
      OPENAI_BASE_URL: model.url,
      LARES_MODEL: 'echo',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  return new Promise(resolve => child.on('close', code => resolve({ code, output })))
}

/** The instance of these tests has another address. */
const rewriteForInstance = (command: string) =>
  command
    .replaceAll('http://127.0.0.1:8080', instance.url)
    .replaceAll(/(?<![\w/])\.lares\//g, `${instance.home}/`)

const shellQuote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

test.each(pages)(
  'every command of %s works, or is one of those that are run elsewhere',
  async page => {
    const commands = (await commandsIn(page)).filter(shouldRun)
    if (commands.length === 0) return
    const { code, output } = await runCommands(commands)
    expect(code, output).toBe(0)
  },
  300_000,
)

test('what is not run here is a script that is there', async () => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8'))
  const named = (await Promise.all(pages.map(page => readFile(page, 'utf8'))))
    .flatMap(text => [...text.matchAll(/\bnpm run ([\w:-]+)/g)])
    .map(([, script]) => script!)
  expect(named.filter(script => !(script in scripts))).toEqual([])
})

test('every endpoint of the gateway is in its page, and every command of lares in its', async () => {
  const gateway = await readFile('docs/gateway.md', 'utf8')
  const files = (await readdir('gateway', { recursive: true })).filter(
    name => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const sources = await Promise.all(files.map(name => readFile(join('gateway', name), 'utf8')))
  const endpoints = sources
    .flatMap(source => [
      ...source.matchAll(/\b(?:app|guarded|open)\.(get|post|put|delete)(?:<[^(]*>)?\(\s*'([^']+)'/g),
    ])
    .map(([, method, path]) => `${method!.toUpperCase()} ${path}`)
  expect(endpoints.length).toBeGreaterThan(15)
  expect(endpoints.filter(endpoint => !gateway.includes(`\`${endpoint}`))).toEqual([])

  const operations = await readFile('docs/operations.md', 'utf8')
  const main = await readFile('infra/cli/main.ts', 'utf8')
  const commands = [...main.matchAll(/^ {2}\.command\('(\w+)'\)/gm)].map(([, name]) => name!)
  expect(commands.filter(name => !new RegExp(`\`?\\b${name}\\b`).test(operations))).toEqual([])
})
