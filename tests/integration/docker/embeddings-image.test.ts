import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildEmbeddingsImage } from '../../../infra/images/embeddings.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { buildArguments, buildContext, type DockerMachine, startDocker } from '../../support/docker/docker.ts'
import { until } from '../../support/until.ts'

const run = promisify(execFile)

/** Decides which of two sentences means the same as a third one. */
const HANDLER = `import * as z from 'zod'
import { defineSkill } from '#lares/skill'

export default defineSkill({
  name: 'meaning',
  description: 'Tells what is meant.',
  examples: ['what is meant'],
  input: z.object({}),
  uses: ['models'],
  async run(_input, { models, signal }) {
    const texts = ['明天会下雨吗', 'will it be wet outside tomorrow', 'my cousin plays the violin']
    const [asked, rain, violin] = (await models.embed(texts, 'query', signal)).vectors
    const near = (one) => one.reduce((sum, value, n) => sum + value * asked[n], 0)
    return near(rain) > near(violin) ? 'rain' : 'violin'
  },
})
`

const EVENT_DATA = JSON.stringify({
  callId: 'call-1',
  step: 0,
  person: 'owner',
  input: {},
  text: 'what is meant',
  language: 'en',
  timeZone: 'UTC',
  saidAt: '2026-05-01T12:00:00Z',
})
/** Asked from inside, as the container has no network. */
const REQUEST_SCRIPT = `fetch('http://127.0.0.1:8080/', { method: 'POST', body: ${JSON.stringify(EVENT_DATA)}, headers: {
  'content-type': 'application/json', 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/tests',
  'ce-type': 'lares.skill.meaning.requested', 'ce-subject': 'c', 'ce-partitionkey': 'c', 'ce-correlationid': '1',
  'ce-time': '2026-05-01T12:00:00Z', 'ce-traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
} }).then(answer => answer.text()).then(console.log)`

let machine: DockerMachine
let folder: string
beforeAll(async () => {
  machine = await startDocker()
  folder = await mkdtemp(join(tmpdir(), 'lares-meaning-'))
}, 300_000)
afterAll(async () => {
  await machine?.close()
  await rm(folder, { recursive: true, force: true })
})

it('a function built on it knows what is meant, without any network', async () => {
  const { cacheDirectory } = readEnvironment(process.env)
  const options = {
    from: machine.baseImages.base,
    cacheDir: join(cacheDirectory, 'models'),
    prefix: 'tests',
    log: silentLogger,
  }
  const base = await buildEmbeddingsImage(options)
  expect(await buildEmbeddingsImage(options)).toBe(base)
  await writeFile(join(folder, 'handler.ts'), HANDLER)
  const context = await buildContext(folder)
  const image = `${machine.registry}/tests/meaning:latest`
  await machine.build(context, image, { ...buildArguments(machine.baseImages), BASE_IMAGE: base })
  await rm(context, { recursive: true })
  const { stdout } = await run('docker', [
    ...['run', '--detach', '--network', 'none', '--read-only', '--tmpfs', '/tmp:mode=1777'],
    ...['--env', 'LARES_PROTECTION=off', image],
  ])
  const container = stdout.trim()
  try {
    const ask = () =>
      run('docker', ['exec', container, 'node', '-e', REQUEST_SCRIPT]).then(({ stdout: text }) => text)
    const answer = await until(() => ask().catch(() => ''), 60_000)
    expect(answer).toContain('"text":"rain"')
  } finally {
    await run('docker', ['rm', '--force', container])
  }
}, 300_000)
