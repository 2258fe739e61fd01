import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { basicAuth, echoSkillSource, type ProviderFixture } from '../../support/provider.ts'
import { until } from '../../support/until.ts'

type Refusal = [what: string, wrong: object, reason: string]

/** Without it the autoscaler restores within a second the replicas that a test has scaled to zero. */
const SCALE_TO_ZERO = { labels: { 'com.openfaas.scale.zero': 'true' } }

/** What a provider promises, whatever runs its functions. `refusals` are those of its backend alone. */
export function providerSuite(name: string, open: () => Promise<ProviderFixture>, refusals: Refusal[]): void {
  describe(name, () => {
    let harness: ProviderFixture

    beforeAll(async () => {
      harness = await open()
    }, 240_000)
    afterAll(() => harness?.close(), 60_000)

    const deployment = (name: string, more: object = {}) => harness.deployment(name, more)

    /** Writes and deploys; every test has functions of its own. */
    async function deploy(name: string, source = echoSkillSource(name), more: object = {}): Promise<void> {
      await harness.write(name, source)
      const answer = await harness.system('POST', 'functions', deployment(name, more))
      expect([answer.status, await answer.text()]).toEqual([202, ''])
    }

    const textOf = async (answer: Response) => {
      expect(answer.status).toBe(200)
      return ((await answer.json()) as { text: string }).text
    }
    const describeFunction = async (name: string, query = '') =>
      (await (await harness.system('GET', `function/${name}${query}`)).json()) as Record<string, never>
    /** The identity of the answering process: a new one after each start. */
    const identityHandler = (name: string) =>
      `const me = crypto.randomUUID(); export default { name: '${name}', handleMessage: () => me + ' ' + process.pid }`

    test('a function is deployed, listed, described, called by both of its names, and removed', async () => {
      await deploy('parrot', echoSkillSource('parrot'), {
        limits: { memory: '256Mi' },
        labels: { team: 'birds' },
      })
      const list = (await (await harness.system('GET', 'functions')).json()) as { name: string }[]
      expect(list.map(({ name }) => name)).toContain('parrot')
      expect(await describeFunction('parrot', '?usage=1')).toMatchObject({
        name: 'parrot',
        namespace: 'openfaas-fn',
        image: harness.image('parrot'),
        labels: { team: 'birds' },
        limits: { memory: '256Mi' },
        replicas: 1,
        availableReplicas: 1,
        usage: { totalMemoryBytes: expect.any(Number) },
      })
      expect(await textOf(await harness.ask('parrot', 'hello'))).toBe('hello')
      expect(await textOf(await harness.ask('parrot', 'hi', { path: '/function/parrot.openfaas-fn/' }))).toBe(
        'hi',
      )
      expect((await describeFunction('parrot')).invocationCount).toBe(2)
      expect((await harness.system('DELETE', 'functions', { functionName: 'parrot' })).status).toBe(202)
      expect((await harness.system('GET', 'function/parrot')).status).toBe(404)
      // Not 404: an event for a function that was removed a moment ago waits, and does not fail for good.
      expect((await harness.ask('parrot', 'still there?')).status).toBe(503)
    })

    test('an update of what is not there is 404, so that faas-cli creates it', async () => {
      expect((await harness.system('PUT', 'functions', deployment('nobody'))).status).toBe(404)
    })

    test.each<Refusal>([
      ...refusals,
      ['an image that is no image', { image: 'Not An Image' }, 'is not the name of an image'],
      ['a secret that is missing', { secrets: ['nowhere'] }, 'there is no secret "nowhere"'],
      ['a limit that cannot be read', { limits: { memory: 'lots' } }, 'limits.memory: "lots" cannot be read'],
      [
        'a request above its limit',
        { limits: { cpu: '1' }, requests: { cpu: '1500m' } },
        'requests.cpu is more than limits.cpu',
      ],
      [
        'a constraint that no machine meets',
        { constraints: ['disk=ssd'] },
        'no machine meets the constraint "disk=ssd"',
      ],
      ['a constraint that cannot be read', { constraints: ['ssd please'] }, 'cannot be read'],
      ['a namespace that is not there', { namespace: 'elsewhere' }, 'there is no namespace "elsewhere"'],
      [
        'a scale label that is not known',
        { labels: { 'com.openfaas.scale.maximum': '3' } },
        'com.openfaas.scale.maximum is not known',
      ],
      [
        'more replicas at least than at most',
        { labels: { 'com.openfaas.scale.min': '3', 'com.openfaas.scale.max': '2' } },
        '3 to 2 replicas',
      ],
      [
        'active hours without a time zone',
        { annotations: { 'com.lares.active-hours': 'Mon-Fri 07:00-22:00' } },
        'it ends with a time zone',
      ],
    ])('%s is refused with its reason, and what ran goes on', async (_, wrong, reason) => {
      await deploy('steady')
      const before = await describeFunction('steady')
      const refused = await harness.system('PUT', 'functions', deployment('steady', wrong))
      expect(refused.status).toBe(400)
      expect(await refused.text()).toContain(reason)
      expect(await textOf(await harness.ask('steady', 'on and on'))).toBe('on and on')
      expect((await describeFunction('steady')).createdAt).toBe(before.createdAt)
    })

    test('a version that does not start is refused with what it said, and the old one goes on', async () => {
      await deploy('sound')
      await harness.write('sound', 'throw new Error("the pipes are frozen")')
      const refused = await harness.system('PUT', 'functions', deployment('sound'))
      expect([refused.status, await refused.text()]).toEqual([
        400,
        expect.stringContaining('the pipes are frozen'),
      ])
      expect(await textOf(await harness.ask('sound', 'still sound'))).toBe('still sound')
    })

    test('deploying what is there already changes nothing; a changed handler is a new version', async () => {
      await deploy('same', identityHandler('same'))
      const first = await textOf(await harness.ask('same', ''))
      expect((await harness.system('PUT', 'functions', deployment('same'))).status).toBe(202)
      expect(await textOf(await harness.ask('same', ''))).toBe(first)
      await harness.write('same', 'export default { name: "same", handleMessage: () => "new" }')
      expect((await harness.system('PUT', 'functions', deployment('same'))).status).toBe(202)
      expect(await textOf(await harness.ask('same', ''))).toBe('new')
    })

    test('updates under load lose no request, and repeat none', async () => {
      const version = (n: number) =>
        `let served = 0; export default { name: 'busy', async handleMessage({ text }) {
       await new Promise(resolve => setTimeout(resolve, 20)); return text + ' by ${n}' } }`
      await deploy('busy', version(0))
      const stop = new AbortController()
      const answers: string[] = []
      const client = async (id: number) => {
        for (let n = 0; !stop.signal.aborted; n++) {
          const said = await textOf(await harness.ask('busy', `${id}.${n}`))
          expect(said).toMatch(new RegExp(`^${id}\\.${n} by \\d$`))
          answers.push(said)
        }
      }
      const clients = [1, 2, 3, 4].map(client)
      for (let n = 1; n <= 3; n++) {
        await harness.write('busy', version(n))
        expect((await harness.system('PUT', 'functions', deployment('busy'))).status).toBe(202)
        await until(() => answers.at(-1)?.endsWith(`by ${n}`))
      }
      stop.abort()
      await Promise.all(clients)
      expect(new Set(answers).size).toBe(answers.length)
    }, 300_000)

    test('requests that arrive at zero wait for one start; the manifest wakes nobody', async () => {
      await deploy('sleepy', identityHandler('sleepy'), SCALE_TO_ZERO)
      await harness.system('POST', 'scale-function/sleepy', { serviceName: 'sleepy', replicas: 0 })
      const manifest = await fetch(`${harness.url()}/function/sleepy/_/manifest`)
      expect(await manifest.json()).toMatchObject({ name: 'sleepy', topics: ['lares.skill.sleepy'] })
      expect((await describeFunction('sleepy')).availableReplicas).toBe(0)
      const pids = await Promise.all(
        Array.from({ length: 5 }, async () => textOf(await harness.ask('sleepy', ''))),
      )
      expect(new Set(pids).size).toBe(1)
      expect(await describeFunction('sleepy')).toMatchObject({ replicas: 1, availableReplicas: 1 })
    })

    test('a start that fails is tried again, and then answered 503 with its reason', async () => {
      await deploy(
        'moody',
        `if (${harness.keyValues.getExpression('frozen')}) throw new Error('frozen')\n${echoSkillSource('moody')}`,
        SCALE_TO_ZERO,
      )
      await harness.system('POST', 'scale-function/moody', { replicas: 0 })
      harness.keyValues.set('frozen', 'yes')
      const refused = await harness.ask('moody', 'anyone?')
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('5')
      expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('frozen') } })
      harness.keyValues.set('frozen', '')
      expect(await textOf(await harness.ask('moody', 'awake'))).toBe('awake')
    })

    test('a replica that was killed is replaced, and the next request is answered', async () => {
      await deploy('hardy', identityHandler('hardy'))
      const before = await textOf(await harness.ask('hardy', ''))
      await harness.kill('hardy', Number(before.split(' ')[1]))
      const next = await until(async () => {
        const answer = await harness.ask('hardy', '')
        return answer.status === 200 ? textOf(answer) : void (await answer.text())
      })
      expect(next).not.toBe(before)
    })

    test('a provider that starts again finds its functions running, and starts none of them twice', async () => {
      await deploy('lasting', identityHandler('lasting'))
      const pid = await textOf(await harness.ask('lasting', ''))
      await harness.restart()
      expect(await textOf(await harness.ask('lasting', ''))).toBe(pid)
      expect(await describeFunction('lasting')).toMatchObject({ replicas: 1, availableReplicas: 1 })
    })

    test('lines that a function prints can be read: all, the last ones, since a time, of one replica, and to come', async () => {
      await deploy('chatty', echoSkillSource('chatty', 'console.log("heard " + text)'))
      const lines = async (query: string) => {
        const answer = await harness.system('GET', `logs?name=chatty&${query}`)
        expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
        return (await answer.text())
          .split('\n')
          .filter(Boolean)
          .map(line => JSON.parse(line))
      }
      for (const word of ['one', 'two', 'three']) await textOf(await harness.ask('chatty', word))
      const all = await until(async () => {
        const found = await lines('follow=false&tail=-1')
        return found.length === 3 ? found : undefined
      })
      expect(all).toMatchObject([{ text: 'heard one' }, { text: 'heard two' }, { text: 'heard three' }])
      expect(all[0]).toMatchObject({
        name: 'chatty',
        namespace: 'openfaas-fn',
        instance: expect.stringMatching(/^chatty-/),
      })
      expect(await lines('tail=1')).toMatchObject([{ text: 'heard three' }])
      expect(await lines(`since=${encodeURIComponent(all[1].timestamp)}`)).toHaveLength(2)
      expect(await lines(`instance=${all[0].instance}`)).toHaveLength(3)
      expect(await lines('instance=chatty-00000000')).toHaveLength(0)
      const followed = await harness.system('GET', 'logs?name=chatty.openfaas-fn&follow=true&tail=0')
      const reader = followed.body!.getReader()
      let line: string | undefined
      void reader.read().then(({ value }) => {
        line = Buffer.from(value!).toString()
      })
      // It is followed from a moment after the answer has begun.
      await until(async () => {
        await textOf(await harness.ask('chatty', 'four'))
        return line
      })
      expect(JSON.parse(line!.split('\n')[0]!)).toMatchObject({ text: 'heard four' })
      await reader.cancel()
    })

    test('secrets are files for the functions that declare them; their values never come back', async () => {
      const name = { name: 'token-a' }
      expect((await harness.system('PUT', 'secrets', { ...name, value: 'x' })).status).toBe(404)
      expect((await harness.system('POST', 'secrets', { ...name, value: 'first' })).status).toBe(202)
      const again = await harness.system('POST', 'secrets', { ...name, value: 'other' })
      expect([again.status, await again.text()]).toEqual([
        409,
        expect.stringContaining('faas-cli secret update'),
      ])
      expect((await harness.system('POST', 'secrets', { name: 'token-b', rawValue: 'AAE=' })).status).toBe(
        202,
      )
      expect((await harness.system('POST', 'secrets', { name: '../../escape', value: 'x' })).status).toBe(400)
      expect(await (await harness.system('GET', 'secrets')).json()).toEqual([
        { name: 'token-a', namespace: 'openfaas-fn' },
        { name: 'token-b', namespace: 'openfaas-fn' },
      ])
      const source = `import { readdirSync, readFileSync } from 'node:fs'
    const folder = process.env.LARES_SECRETS
    export default { name: 'keeper', handleMessage: () => readdirSync(folder) + ' ' + readFileSync(folder + '/token-a', 'utf8') }`
      await deploy('keeper', source, { secrets: ['token-a'] })
      expect(await textOf(await harness.ask('keeper', ''))).toBe('token-a first')
      await harness.system('PUT', 'secrets', { ...name, value: 'second' })
      expect(await textOf(await harness.ask('keeper', ''))).toBe('token-a second')
      expect((await harness.system('DELETE', 'secrets', name)).status).toBe(202)
      expect((await harness.system('DELETE', 'secrets', name)).status).toBe(404)
    })

    test('a replica keeps the secrets that it has while another starts', async () => {
      await harness.system('POST', 'secrets', { name: 'token-c', value: 'kept' })
      const source = `import { statSync } from 'node:fs'
    import { hostname } from 'node:os'
    export default { name: 'holder', handleMessage: () =>
      [hostname(), process.pid, statSync(process.env.LARES_SECRETS).birthtimeMs].join(' ') }`
      await deploy('holder', source, { secrets: ['token-c'] })
      const before = await textOf(await harness.ask('holder', ''))
      expect((await harness.system('POST', 'scale-function/holder', { replicas: 2 })).status).toBe(202)
      // Of two idle replicas, the first gets the request.
      expect(await textOf(await harness.ask('holder', ''))).toBe(before)
    })

    test('functions get the environment that they are given, and nothing of the provider itself', async () => {
      const source = 'export default { name: "nosy", handleMessage: () => JSON.stringify(process.env) }'
      await deploy('nosy', source, { envVars: { COLOUR: 'green' } })
      const environment = JSON.parse(await textOf(await harness.ask('nosy', '')))
      expect(environment.COLOUR).toBe('green')
      expect(Object.keys(environment).filter(key => key.startsWith('PROVIDER_'))).toEqual([])
    })

    test('an asynchronous call is taken at once, and its answer told to the callback', async () => {
      await deploy('worker')
      const told = Promise.withResolvers<{ headers: Record<string, unknown>; body: string }>()
      const listener = createServer(async (request, response) => {
        const body = Buffer.concat(await request.toArray()).toString()
        told.resolve({ headers: request.headers, body })
        response.end()
      })
      await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void listener.close())
      const taken = await harness.ask('worker', 'later', {
        path: '/async-function/worker',
        headers: { 'x-callback-url': `http://127.0.0.1:${(listener.address() as AddressInfo).port}/done` },
      })
      expect(taken.status).toBe(202)
      const { headers, body } = await told.promise
      expect(JSON.parse(body)).toMatchObject({ text: 'later' })
      expect(headers).toMatchObject({
        'x-call-id': taken.headers.get('x-call-id'),
        'x-function-name': 'worker.openfaas-fn',
        'x-function-status': '200',
        'x-duration-seconds': expect.stringMatching(/^\d+\.\d+$/),
      })
      expect((await harness.ask('nobody', '', { path: '/async-function/nobody' })).status).toBe(404)
      const wrong = { path: '/async-function/worker', headers: { 'x-callback-url': 'file:///etc/passwd' } }
      expect((await harness.ask('worker', '', wrong)).status).toBe(400)
    })

    test('an asynchronous call outlives the provider, and a function that is away', async () => {
      const { keyValues } = harness
      await deploy(
        'patient',
        `if (${keyValues.getExpression('away')}) throw new Error('away')\n${echoSkillSource('patient', keyValues.putStatement('done', 'text'))}`,
        SCALE_TO_ZERO,
      )
      await harness.system('POST', 'scale-function/patient', { replicas: 0 })
      keyValues.set('away', 'yes')
      expect((await harness.ask('patient', 'in the end', { path: '/async-function/patient' })).status).toBe(
        202,
      )
      await harness.restart()
      keyValues.set('away', '')
      expect(await until(() => keyValues.get('done'), 60_000)).toBe('in the end')
    }, 90_000)

    test('a stream comes through piece by piece', async () => {
      await deploy(
        'brook',
        `import { defineFunction } from ${JSON.stringify(harness.shared('contract/definition.ts'))}
    const answer = text => ({ type: 'lares.result.returned', data: { callId: 'c', step: 0, status: 'ok', text } })
    export default defineFunction({
      name: 'brook', receives: ['lares.skill.brook.requested'], emits: ['lares.result.returned'],
      async *handle() {
        yield answer('first')
        while (!${harness.keyValues.getExpression('go')}) await new Promise(resolve => setTimeout(resolve, 10))
        yield answer('last')
      },
    })`,
      )
      const answer = await harness.ask('brook', '', { headers: { accept: 'application/x-ndjson' } })
      const reader = answer.body!.getReader()
      const first = await reader.read()
      expect(Buffer.from(first.value!).toString()).toContain('first')
      harness.keyValues.set('go', 'yes')
      expect(Buffer.from((await reader.read()).value!).toString()).toContain('last')
    })

    test('a call carries its id to the function and back', async () => {
      await deploy('plain')
      const named = await harness.ask('plain', '', { headers: { 'x-call-id': 'call-7' } })
      expect(named.headers.get('x-call-id')).toBe('call-7')
      expect((await harness.ask('plain', '')).headers.get('x-call-id')).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('what manages is closed to those without the password; calls, health and metrics are open', async () => {
      const paths = ['functions', 'function/x', 'info', 'secrets', 'logs?name=x', 'namespaces']
      for (const authorization of ['', 'Bearer', 'Bearer x', basicAuth('wrong'), basicAuth('')])
        for (const path of paths) {
          const answer = await fetch(`${harness.url()}/system/${path}`, { headers: { authorization } })
          expect([path, answer.status]).toEqual([path, 401])
        }
      expect((await harness.system('GET', 'info')).status).toBe(200)
      expect(await (await harness.system('GET', 'namespaces')).json()).toEqual(['openfaas-fn'])
      expect((await fetch(`${harness.url()}/healthz`)).status).toBe(200)
    })

    test('invocations and replicas are counted under OpenFaaS’s names', async () => {
      await deploy('counted')
      for (let n = 0; n < 3; n++) await textOf(await harness.ask('counted', ''))
      const metrics = await (await fetch(`${harness.url()}/metrics`)).text()
      const label = 'function_name="counted.openfaas-fn"'
      expect(metrics).toContain(`gateway_function_invocation_total{${label},code="200"} 3`)
      expect(metrics).toContain(`gateway_function_invocation_started{${label}} 3`)
      expect(metrics).toContain(`gateway_functions_seconds_count{${label},code="200"} 3`)
      expect(metrics).toContain(`gateway_service_count{${label}} 1`)
      expect(metrics).toMatch(/provider_http_requests_total\{.*path="\/system\/functions".*\} \d+/)
    })
  })
}
