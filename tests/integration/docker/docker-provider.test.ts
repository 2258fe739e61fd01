import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FUNCTIONS_NETWORK } from '../../../infra/provider/docker/network.ts'
import { providerSuite } from '../../contract/provider/provider.suite.ts'
import { containersOf, startDocker } from '../../support/docker/docker.ts'
import { dockerProviderBackend } from '../../support/docker/docker-fixture.ts'
import { startOrSkip } from '../../support/npm-program.ts'
import { openProviderFixture, type ProviderFixture } from '../../support/provider.ts'

const run = promisify(execFile)
const machine = await startOrSkip(startDocker)
afterAll(() => machine?.close(), 60_000)

describe.skipIf(!machine)('on Docker', () => {
  providerSuite(
    'functions as containers',
    async () => await openProviderFixture(await dockerProviderBackend(machine!)),
    [
      [
        'an image that the registry has not',
        { image: `${machine?.registry}/lares/unicorn:latest` },
        'lares/unicorn:latest cannot be pulled: manifest',
      ],
    ],
  )

  describe('containers alone', () => {
    let instance: ProviderFixture

    beforeAll(async () => {
      const ground = await dockerProviderBackend(machine!)
      instance = await openProviderFixture({ ...ground, pausedBytes: 256 * 1024 * 1024 })
    }, 120_000)
    afterAll(() => instance?.close(), 60_000)

    async function deployed(name: string, body: string, more: object = {}): Promise<void> {
      const source = `const me = crypto.randomUUID()
        export default { name: '${name}', async handleMessage({ text }) { ${body} } }`
      await instance.write(name, source)
      const answer = await instance.system('POST', 'functions', instance.deployment(name, more))
      expect([answer.status, await answer.text()]).toEqual([202, ''])
    }
    const ask = async (name: string) =>
      ((await (await instance.ask(name, '')).json()) as { text: string }).text
    const containers = (name: string, status?: string) => containersOf(instance.home, name, status)
    const scale = (name: string, replicas: number) =>
      instance.system('POST', `scale-function/${name}`, { replicas })

    test('a function may write to /tmp alone, has no rights, and cannot be reached from outside', async () => {
      await deployed(
        'tame',
        `const { readFileSync, writeFileSync } = await import('node:fs')
        writeFileSync('/tmp/there', 'yes')
        const refused = path => { try { writeFileSync(path, ''); return false } catch { return true } }
        const status = readFileSync('/proc/self/status', 'utf8')
        return JSON.stringify({
          refused: ['/app/x', '/etc/x', '/x'].every(refused), uid: process.getuid(),
          rights: /CapEff:\\t(\\w+)/.exec(status)[1], more: /NoNewPrivs:\\t(\\d)/.exec(status)[1],
        })`,
        { readOnlyRootFilesystem: true, limits: { memory: '128Mi', cpu: '500m' } },
      )
      expect(JSON.parse(await ask('tame'))).toEqual({
        refused: true,
        uid: 10_001,
        rights: '0000000000000000',
        more: '1',
      })
      const [id] = await containers('tame')
      const { stdout } = await run('docker', ['inspect', id!])
      const [{ HostConfig, NetworkSettings }] = JSON.parse(stdout)
      expect(HostConfig).toMatchObject({ Memory: 134_217_728, NanoCpus: 500_000_000 })
      expect(NetworkSettings.Ports).not.toHaveProperty('8080/tcp.0')
    })

    test('what sleeps is paused, wakes as the same one, also for a provider that has started again', async () => {
      // Without the label the autoscaler would wake it within a second.
      await deployed('dozer', 'return me', { labels: { 'com.openfaas.scale.zero': 'true' } })
      const before = await ask('dozer')
      await scale('dozer', 0)
      expect(await containers('dozer', 'paused')).toHaveLength(1)
      expect(await ask('dozer')).toBe(before)
      await scale('dozer', 0)
      await instance.restart()
      expect(await ask('dozer')).toBe(before)
      expect(await containers('dozer')).toHaveLength(1)
    })

    test('an update leaves nothing of the version before, asleep or awake', async () => {
      await deployed('changing', 'return "old"')
      await scale('changing', 2)
      await scale('changing', 1)
      await deployed('changing', 'return "new"')
      expect(await ask('changing')).toBe('new')
      await expect.poll(() => containers('changing'), { timeout: 30_000 }).toHaveLength(1)
      await instance.system('DELETE', 'functions', { functionName: 'changing' })
      expect(await containers('changing')).toEqual([])
    })

    test('of a container that Docker refuses nothing stays, and no secret', async () => {
      const mounts = join(instance.home, 'provider', 'mounts')
      await instance.system('POST', 'secrets', { name: 'token-r', value: 'x' })
      await instance.write('tiny', 'export default { name: "tiny", handleMessage: () => "tiny" }')
      const before = await readdir(mounts)
      const more = { secrets: ['token-r'], limits: { memory: '1Mi' } }
      const refused = await instance.system('POST', 'functions', instance.deployment('tiny', more))
      expect(refused.status).toBe(400)
      expect(await refused.text()).toMatch(/Docker refuses it: .*memory/i)
      expect(await containers('tiny')).toEqual([])
      expect(await readdir(mounts)).toEqual(before)
    })

    test('a container that was killed is replaced by another, and does not stay', async () => {
      await deployed('mortal', 'return me')
      const before = await ask('mortal')
      await instance.kill('mortal', 0)
      await expect.poll(() => containers('mortal', 'running'), { timeout: 30_000 }).toHaveLength(1)
      await expect.poll(() => containers('mortal'), { timeout: 30_000 }).toHaveLength(1)
      expect(await ask('mortal')).not.toBe(before)
    })

    test('a container that gets the address of one that ended gets none of its requests', async () => {
      await deployed('former', 'return "former"')
      await deployed('latter', 'return "latter"')
      await instance.kill('former', 0)
      await scale('latter', 2)
      expect(await ask('former')).toBe('former')
    })

    test('a container that has lost its address is replaced', async () => {
      await deployed('severed', 'return me')
      const before = await ask('severed')
      const [id] = await containers('severed')
      await run('docker', ['network', 'disconnect', '--force', FUNCTIONS_NETWORK, id!])
      await expect.poll(() => containers('severed'), { timeout: 30_000 }).not.toContain(id)
      expect(await ask('severed')).not.toBe(before)
    })

    test('what a crash has left over is ended by the next start, and nobody else’s container is touched', async () => {
      await deployed('crashed', 'return me')
      const before = await ask('crashed')
      const [id] = await containers('crashed')
      const { stdout } = await run('docker', ['inspect', id!])
      const [{ Config, Image }] = JSON.parse(stdout)
      const { 'com.lares.provider': provider } = Config.Labels
      const start = async (owner: string) => {
        const labels = { provider: owner, function: 'crashed', version: 'gone', instance: 'crashed-ffffffff' }
        const given = Object.entries(labels).flatMap(([name, value]) => [
          '--label',
          `com.lares.${name}=${value}`,
        ])
        return (await run('docker', ['run', '--detach', '--init', ...given, Image])).stdout
          .trim()
          .slice(0, 12)
      }
      const left = await start(provider)
      const foreign = await start('another')
      expect(await containers('crashed')).toEqual([left, id])
      await instance.restart()
      expect(await containers('crashed')).toEqual([id])
      const { stdout: state } = await run('docker', ['inspect', '--format', '{{.State.Running}}', foreign])
      await run('docker', ['rm', '--force', foreign])
      expect(state.trim()).toBe('true')
      expect(await ask('crashed')).toBe(before)
    })

    test('with no egress there is no way out, and with a GPU that is not there no start', async () => {
      const registry = new URL((await run('npm', ['config', 'get', 'registry'])).stdout.trim())
      const reaching = `const { connect } = await import('node:net')
        return await new Promise(resolve => {
          const socket = connect(${registry.port || 443}, ${JSON.stringify(registry.hostname)}, () => resolve('out'))
          socket.on('error', () => resolve('closed')).setTimeout(2000, () => { socket.destroy(); resolve('closed') })
        })`
      await deployed('traveller', reaching)
      expect(await ask('traveller')).toBe('out')
      await deployed('hermit', reaching, { annotations: { 'com.lares.egress': 'none' } })
      expect(await ask('hermit')).toBe('closed')
      const wants = { annotations: { 'com.lares.gpu': '1' } }
      const refused = await instance.system('PUT', 'functions', instance.deployment('hermit', wants))
      expect(refused.status).toBe(400)
      expect(await refused.text()).toContain('gpu')
      expect(await ask('hermit')).toBe('closed')
    })
  })
})
