import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { prepareCompose } from '../../../infra/compose/prepare.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { buildGoPrograms } from '../../support/go-program.ts'
import { startOrSkip } from '../../support/npm-program.ts'

const run = promisify(execFile)
const COMPOSE_FILE = join(import.meta.dirname, '..', '..', '..', 'infra', 'compose', 'compose.yaml')

/** The one that is installed, or the same built from its source. */
const compose = await startOrSkip(async () => {
  const installed = ['docker', 'compose']
  const isThere = await run('docker', ['compose', 'version']).catch(() => undefined)
  if (isThere) return installed
  const built = await buildGoPrograms({
    name: 'docker-compose',
    module: 'github.com/docker/compose/v2',
    programs: { 'docker-compose': './cmd' },
    version: 'v2.40.3',
    buildDuration: 'about three minutes',
  })
  return [join(built, 'docker-compose')]
})

type Service = {
  image: string
  healthcheck?: object
  restart?: string
  cap_drop?: string[]
  deploy?: { resources: { limits: { cpus: string; memory: string } } }
  ports?: { host_ip?: string }[]
  volumes?: { type: string; source: string; target: string }[]
}
type Project = { services: Record<string, Service>; volumes: object; networks: object }

const home = await mkdtemp(join(tmpdir(), 'lares-compose-'))
afterAll(() => rm(home, { recursive: true, force: true }))
const environment = () => readEnvironment({ LARES_HOME: home })

/** The file as it is run, with what `npm run compose` gives it. */
async function renderProject(omittedVariables: string[] = []): Promise<Project> {
  const { envFile, variables } = await prepareCompose(environment())
  const secrets = (await readFile(envFile, 'utf8')).trim().split('\n')
  const all = {
    ...variables,
    ...Object.fromEntries(secrets.map(line => line.split('=') as [string, string])),
  }
  const variablesGiven = Object.entries(all).filter(([name]) => !omittedVariables.includes(name))
  const [command, ...args] = compose!
  const { stdout } = await run(command!, [...args, '--file', COMPOSE_FILE, 'config'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...Object.fromEntries(variablesGiven) },
  })
  return parse(stdout)
}

describe.skipIf(!compose)('infra/compose', () => {
  test('the file is a valid project: all that the assistant needs, with a health check, limits and a pinned image', async () => {
    const { services, volumes } = await renderProject()
    const own = ['gateway', 'connector', 'provider']
    const stores = ['kafka', 'timescaledb', 'qdrant', 'minio']
    expect(Object.keys(services).sort()).toEqual([...own, ...stores].sort())
    expect(Object.keys(volumes).sort()).toEqual([...stores].sort())
    for (const [name, service] of Object.entries(services)) {
      expect(service, name).toMatchObject({
        healthcheck: expect.anything(),
        restart: 'unless-stopped',
        cap_drop: ['ALL'],
        deploy: { resources: { limits: { cpus: expect.anything(), memory: expect.anything() } } },
      })
      for (const port of service.ports ?? []) expect(port.host_ip, name).toBe('127.0.0.1')
    }
    for (const name of stores) expect(services[name]!.image).toMatch(/:[\w.-]*\d+\.\d+|:RELEASE\./)
  })

  test('only the provider reaches the daemon', async () => {
    const { services } = await renderProject()
    const withDaemon = Object.entries(services)
      .filter(([, { volumes = [] }]) => volumes.some(({ source }) => source.includes('docker.sock')))
      .map(([name]) => name)
    expect(withDaemon).toEqual(['provider'])
  })

  test.each(['POSTGRES_PASSWORD', 'QDRANT_API_KEY', 'S3_SECRET_KEY', 'LARES_TOKEN'])(
    'without %s nothing starts, for there is no password that everybody knows',
    async name => {
      await expect(renderProject([name])).rejects.toThrow(name)
    },
  )

  test('passwords are made once, for their owner alone', async () => {
    const first = await readFile((await prepareCompose(environment())).envFile, 'utf8')
    const { envFile, variables } = await prepareCompose(environment())
    expect(await readFile(envFile, 'utf8')).toBe(first)
    const values = first
      .trim()
      .split('\n')
      .map(line => line.slice(line.indexOf('=') + 1))
    expect(new Set([...values, variables.LARES_TOKEN]).size).toBe(4)
    for (const value of values) expect(value).toMatch(/^[\w-]{32}$/)
    for (const file of [envFile, join(home, 'provider', 'password'), join(home, 'token')])
      expect((await stat(file)).mode & 0o777).toBe(0o600)
  })
})
