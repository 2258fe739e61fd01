import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'

const root = fileURLToPath(new URL('../../', import.meta.url))
const SOURCE_FOLDERS = ['functions', 'gateway', 'infra', 'shared']

/** The files that may import each optional package. */
const DRIVERS: Record<string, string[]> = {
  '@kubernetes/client-node': ['infra/provider/knative/cluster.ts'],
  '@platformatic/kafka': ['shared/bus/kafka/platformatic'],
  '@qdrant/js-client-rest': ['shared/vectors/qdrant.ts'],
  dockerode: ['infra/provider/docker/'],
  kafkajs: ['shared/bus/kafka/kafkajs'],
  minio: ['shared/objects/minio.ts'],
  'node-llama-cpp': ['shared/models/llama/'],
  'onnxruntime-node': ['shared/models/e5/'],
  pg: ['shared/base/postgres/', 'shared/store/postgres/'],
}
const NAMES = Object.keys(DRIVERS)
/** npm on Node 20, which sets up a checkout, leaves out an optional package that asks for a newer Node. */
const NEWER_THAN_NODE_20 = ['@platformatic/kafka', '@qdrant/js-client-rest']

/** The Node binaries are optional too, since each fits one platform. */
const isNodeBinary = (name: string) => name.startsWith('node-bin-') || /^node-\w+-(x64|arm64)$/.test(name)

test('the drivers of this list are the optional dependencies', async () => {
  const { optionalDependencies } = z
    .object({ optionalDependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  expect(Object.keys(optionalDependencies).filter(name => !isNodeBinary(name))).toEqual(
    NAMES.filter(name => !NEWER_THAN_NODE_20.includes(name)),
  )
})

async function sourceFiles(): Promise<string[]> {
  const lists = await Promise.all(
    SOURCE_FOLDERS.map(async folder =>
      (await readdir(join(root, folder), { recursive: true })).map(file => `${folder}/${file}`),
    ),
  )
  return lists.flat().filter(file => /\.m?[jt]s$/.test(file) && !/\.(test|suite|fixture)\.ts$/.test(file))
}

const importsIn = (text: string): string[] =>
  [...text.matchAll(/(?:from|import\(|import|require\(|\)\()\s*'([^'\n]+)'/g)].map(([, name]) => name!)

test('only its driver imports an optional package', async () => {
  const found: Record<string, string[]> = Object.fromEntries(NAMES.map(name => [name, []]))
  for (const file of await sourceFiles()) {
    const imports = importsIn(await readFile(join(root, file), 'utf8'))
    for (const name of NAMES)
      if (imports.some(one => one === name || one.startsWith(`${name}/`))) found[name]!.push(file)
  }
  const isDriver = (name: string, file: string) => DRIVERS[name]!.some(prefix => file.startsWith(prefix))
  for (const [name, files] of Object.entries(found)) {
    expect(files.filter(file => !isDriver(name, file))).toEqual([])
    // Otherwise the package is not needed, or the search above does not see its import.
    expect(files, name).not.toEqual([])
  }
})

/** A checkout as `npm ci --omit=optional` leaves it. */
let checkout: string
beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'lares-optional-'))
  for (const folder of [...SOURCE_FOLDERS, 'package.json', 'stack.yml'])
    await cp(join(root, folder), join(checkout, folder), { recursive: true })
  await linkPackages(join(root, 'node_modules'), join(checkout, 'node_modules'))
})
afterAll(() => rm(checkout, { recursive: true, force: true }))

async function linkPackages(from: string, to: string): Promise<void> {
  const entries = (await readdir(from)).filter(entry => !entry.startsWith('.'))
  const scopes = entries.filter(entry => entry.startsWith('@'))
  const scoped = await Promise.all(
    scopes.map(async scope => (await readdir(join(from, scope))).map(entry => `${scope}/${entry}`)),
  )
  const names = [...entries.filter(entry => !entry.startsWith('@')), ...scoped.flat()]
  for (const name of names.filter(name => !NAMES.includes(name))) {
    await mkdir(dirname(join(to, name)), { recursive: true })
    await symlink(join(from, name), join(to, name))
  }
}

const runIn = async (folder: string, source: string, environment: NodeJS.ProcessEnv = {}) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], {
    cwd: folder,
    env: { ...process.env, LARES_HOME: join(folder, 'home'), ...environment },
  })
  return stdout.trim()
}

test('without optional packages every program loads', async () => {
  const programs = [
    'infra/embedded/embedded.ts',
    'infra/connector/connector.ts',
    'infra/provider/start.ts',
    'gateway/start.ts',
    'shared/host/host.ts',
  ]
  const source = `for (const file of ${JSON.stringify(programs)}) await import('${checkout}/' + file)
    console.log('loaded')`
  expect(await runIn(checkout, source)).toBe('loaded')
})

/** Opens the driver that the environment chooses, and prints how it fails. */
const openingDriver = (open: string) => `
  import { silentLogger } from '${checkout}/shared/base/log.ts'
  import { readEnvironment } from '${checkout}/shared/config/environment.ts'
  import { openDrivers } from '${checkout}/shared/host/drivers.ts'
  const environment = readEnvironment(process.env)
  const drivers = openDrivers(environment, silentLogger)
  const error = await (async () => { ${open} })().catch(error => error)
  console.log(error?.code + ': ' + error?.message)
  process.exit()`
const OPEN_BUS = `await (await drivers.bus()).publish([])`
const POSTGRES = { DATABASE_URL: 'postgres://lares@127.0.0.1:1/lares' }

test.each<[name: string, environment: NodeJS.ProcessEnv, open: string]>([
  ['@platformatic/kafka', { LARES_BUS: 'kafka' }, OPEN_BUS],
  ['kafkajs', { LARES_BUS: 'kafka', LARES_KAFKA_CLIENT: 'kafkajs' }, OPEN_BUS],
  ['pg', { ...POSTGRES, LARES_PROTECTION: 'off' }, 'await drivers.store()'],
  ['pg', POSTGRES, 'await drivers.store()'],
  ['@qdrant/js-client-rest', { QDRANT_URL: 'http://127.0.0.1:1' }, 'await drivers.vectors()'],
  [
    'minio',
    { S3_ENDPOINT: 'http://127.0.0.1:1', S3_ACCESS_KEY: 'access', S3_SECRET_KEY: 'secretsecret' },
    'await drivers.objects()',
  ],
  [
    'node-llama-cpp',
    {},
    `const { loadLlamaEngine } = await import('CHECKOUT/shared/models/llama/engine.ts')
     await loadLlamaEngine({ modelFile: 'model.gguf', threads: 1, contextTokens: 8, sequences: 1, log: silentLogger })`,
  ],
  [
    'onnxruntime-node',
    {},
    `const { loadMe5Engine } = await import('CHECKOUT/shared/models/e5/engine.ts')
     await loadMe5Engine({ folder: 'model', threads: 1, log: silentLogger })`,
  ],
  [
    '@kubernetes/client-node',
    {},
    `const { openCluster } = await import('CHECKOUT/infra/provider/knative/cluster.ts')
     await openCluster('openfaas-fn')`,
  ],
  [
    'dockerode',
    {},
    `const { startProvider } = await import('CHECKOUT/infra/provider/start.ts')
     await startProvider({ backend: 'docker', port: 0, home: environment.dataDirectory, root: '.', labels: new Map(),
       prewarmed: 0, environment: {}, version: '0', log: silentLogger })`,
  ],
])('without %s its driver fails with the package and the command (%o)', async (name, environment, open) => {
  const printed = await runIn(checkout, openingDriver(open.replaceAll('CHECKOUT', checkout)), environment)
  expect(printed).toMatch(/^invalid_config: /)
  expect(printed).toContain(`the package ${name} is not installed`)
  expect(printed).toContain('npm ci --include=optional')
})
