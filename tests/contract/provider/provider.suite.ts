import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { basic, echo, type ProviderHouse } from '../../support/provider.ts'
import { until } from '../../support/until.ts'

type Refusal = [what: string, wrong: object, reason: string]

/** Without it the autoscaler brings back within a second what a test has scaled to nothing. */
const MAY_SLEEP = { labels: { 'com.openfaas.scale.zero': 'true' } }

/** What a provider promises, whatever runs its functions. `refusals` are those of its backend alone. */
export function providerSuite(name: string, open: () => Promise<ProviderHouse>, refusals: Refusal[]): void {
  describe(name, () => {
    let house: ProviderHouse

    beforeAll(async () => {
      house = await open()
    }, 240_000)
    afterAll(() => house?.close(), 60_000)

    const deployment = (name: string, more: object = {}) => house.deployment(name, more)

    /** Writes and deploys; every test has functions of its own. */
    async function deployed(name: string, source = echo(name), more: object = {}): Promise<void> {
      await house.write(name, source)
      const answer = await house.system('POST', 'functions', deployment(name, more))
      expect([answer.status, await answer.text()]).toEqual([202, ''])
    }

    const saidBy = async (answer: Response) => {
      expect(answer.status).toBe(200)
      return ((await answer.json()) as { text: string }).text
    }
    const described = async (name: string, query = '') =>
      (await (await house.system('GET', `function/${name}${query}`)).json()) as Record<string, never>
    /** Who answers: another one after each start. */
    const identity = (name: string) =>
      `const me = crypto.randomUUID(); export default { name: '${name}', handleMessage: () => me + ' ' + process.pid }`

    test('a function is deployed, listed, described, called by both of its names, and removed', async () => {
      await deployed('parrot', echo('parrot'), { limits: { memory: '256Mi' }, labels: { team: 'birds' } })
      const list = (await (await house.system('GET', 'functions')).json()) as { name: string }[]
      expect(list.map(({ name }) => name)).toContain('parrot')
      expect(await described('parrot', '?usage=1')).toMatchObject({
        name: 'parrot',
        namespace: 'openfaas-fn',
        image: house.image('parrot'),
        labels: { team: 'birds' },
        limits: { memory: '256Mi' },
        replicas: 1,
        availableReplicas: 1,
        usage: { totalMemoryBytes: expect.any(Number) },
      })
      expect(await saidBy(await house.ask('parrot', 'hello'))).toBe('hello')
      expect(await saidBy(await house.ask('parrot', 'hi', { path: '/function/parrot.openfaas-fn/' }))).toBe(
        'hi',
      )
      expect((await described('parrot')).invocationCount).toBe(2)
      expect((await house.system('DELETE', 'functions', { functionName: 'parrot' })).status).toBe(202)
      expect((await house.system('GET', 'function/parrot')).status).toBe(404)
      // Not 404: an event for what was removed a moment ago waits, and does not fail for good.
      expect((await house.ask('parrot', 'still there?')).status).toBe(503)
    })

    test('an update of what is not there is 404, so that faas-cli creates it', async () => {
      expect((await house.system('PUT', 'functions', deployment('nobody'))).status).toBe(404)
    })

    test.each<Refusal>([
      ...refusals,
      ['an image that is no image', { image: 'Not An Image' }, 'is no image'],
      ['a secret that is missing', { secrets: ['nowhere'] }, 'there is no secret nowhere'],
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
      await deployed('steady')
      const before = await described('steady')
      const refused = await house.system('PUT', 'functions', deployment('steady', wrong))
      expect(refused.status).toBe(400)
      expect(await refused.text()).toContain(reason)
      expect(await saidBy(await house.ask('steady', 'on and on'))).toBe('on and on')
      expect((await described('steady')).createdAt).toBe(before.createdAt)
    })

    test('a version that does not start is refused with what it said, and the old one goes on', async () => {
      await deployed('sound')
      await house.write('sound', 'throw new Error("the pipes are frozen")')
      const refused = await house.system('PUT', 'functions', deployment('sound'))
      expect([refused.status, await refused.text()]).toEqual([
        400,
        expect.stringContaining('the pipes are frozen'),
      ])
      expect(await saidBy(await house.ask('sound', 'still sound'))).toBe('still sound')
    })

    test('deploying what is there already changes nothing; a changed handler is a new version', async () => {
      await deployed('same', identity('same'))
      const first = await saidBy(await house.ask('same', ''))
      expect((await house.system('PUT', 'functions', deployment('same'))).status).toBe(202)
      expect(await saidBy(await house.ask('same', ''))).toBe(first)
      await house.write('same', 'export default { name: "same", handleMessage: () => "new" }')
      expect((await house.system('PUT', 'functions', deployment('same'))).status).toBe(202)
      expect(await saidBy(await house.ask('same', ''))).toBe('new')
    })

    test('updates under load lose no request, and repeat none', async () => {
      const version = (n: number) =>
        `let served = 0; export default { name: 'busy', async handleMessage({ text }) {
       await new Promise(resolve => setTimeout(resolve, 20)); return text + ' by ${n}' } }`
      await deployed('busy', version(0))
      const stop = new AbortController()
      const answers: string[] = []
      const client = async (id: number) => {
        for (let n = 0; !stop.signal.aborted; n++) {
          const said = await saidBy(await house.ask('busy', `${id}.${n}`))
          expect(said).toMatch(new RegExp(`^${id}\\.${n} by \\d$`))
          answers.push(said)
        }
      }
      const clients = [1, 2, 3, 4].map(client)
      for (let n = 1; n <= 3; n++) {
        await house.write('busy', version(n))
        expect((await house.system('PUT', 'functions', deployment('busy'))).status).toBe(202)
        await until(() => answers.at(-1)?.endsWith(`by ${n}`))
      }
      stop.abort()
      await Promise.all(clients)
      expect(new Set(answers).size).toBe(answers.length)
    }, 60_000)

    test('requests that arrive at zero wait for one start; the manifest wakes nobody', async () => {
      await deployed('sleepy', identity('sleepy'), MAY_SLEEP)
      await house.system('POST', 'scale-function/sleepy', { serviceName: 'sleepy', replicas: 0 })
      const manifest = await fetch(`${house.url()}/function/sleepy/_/manifest`)
      expect(await manifest.json()).toMatchObject({ name: 'sleepy', topics: ['lares.skill.sleepy'] })
      expect((await described('sleepy')).availableReplicas).toBe(0)
      const pids = await Promise.all(
        Array.from({ length: 5 }, async () => saidBy(await house.ask('sleepy', ''))),
      )
      expect(new Set(pids).size).toBe(1)
      expect(await described('sleepy')).toMatchObject({ replicas: 1, availableReplicas: 1 })
    })

    test('a start that fails is tried again, and then answered 503 with its reason', async () => {
      await deployed(
        'moody',
        `if (${house.board.isSet('frozen')}) throw new Error('frozen')\n${echo('moody')}`,
        MAY_SLEEP,
      )
      await house.system('POST', 'scale-function/moody', { replicas: 0 })
      house.board.set('frozen', 'yes')
      const refused = await house.ask('moody', 'anyone?')
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('5')
      expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('frozen') } })
      house.board.set('frozen', '')
      expect(await saidBy(await house.ask('moody', 'awake'))).toBe('awake')
    })

    test('a replica that was killed is replaced, and the next request is answered', async () => {
      await deployed('hardy', identity('hardy'))
      const before = await saidBy(await house.ask('hardy', ''))
      await house.kill('hardy', Number(before.split(' ')[1]))
      const next = await until(async () => {
        const answer = await house.ask('hardy', '')
        return answer.status === 200 ? saidBy(answer) : void (await answer.text())
      })
      expect(next).not.toBe(before)
    })

    test('a provider that starts again finds its functions running, and starts none of them twice', async () => {
      await deployed('lasting', identity('lasting'))
      const pid = await saidBy(await house.ask('lasting', ''))
      await house.reopen()
      expect(await saidBy(await house.ask('lasting', ''))).toBe(pid)
      expect(await described('lasting')).toMatchObject({ replicas: 1, availableReplicas: 1 })
    })

    test('lines that a function prints can be read: all, the last ones, since a time, of one replica, and to come', async () => {
      await deployed('chatty', echo('chatty', 'console.log("heard " + text)'))
      const lines = async (query: string) => {
        const answer = await house.system('GET', `logs?name=chatty&${query}`)
        expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
        return (await answer.text())
          .split('\n')
          .filter(Boolean)
          .map(line => JSON.parse(line))
      }
      for (const word of ['one', 'two', 'three']) await saidBy(await house.ask('chatty', word))
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
      const followed = await house.system('GET', 'logs?name=chatty.openfaas-fn&follow=true&tail=0')
      const reader = followed.body!.getReader()
      let line: string | undefined
      void reader.read().then(({ value }) => {
        line = Buffer.from(value!).toString()
      })
      // It is followed from a moment after the answer has begun.
      await until(async () => {
        await saidBy(await house.ask('chatty', 'four'))
        return line
      })
      expect(JSON.parse(line!.split('\n')[0]!)).toMatchObject({ text: 'heard four' })
      await reader.cancel()
    })

    test('secrets are files for the functions that declare them; their values never come back', async () => {
      const name = { name: 'token-a' }
      expect((await house.system('PUT', 'secrets', { ...name, value: 'x' })).status).toBe(404)
      expect((await house.system('POST', 'secrets', { ...name, value: 'first' })).status).toBe(202)
      expect((await house.system('POST', 'secrets', { name: 'token-b', rawValue: 'AAE=' })).status).toBe(202)
      expect((await house.system('POST', 'secrets', { name: '../../escape', value: 'x' })).status).toBe(400)
      expect(await (await house.system('GET', 'secrets')).json()).toEqual([
        { name: 'token-a', namespace: 'openfaas-fn' },
        { name: 'token-b', namespace: 'openfaas-fn' },
      ])
      const source = `import { readdirSync, readFileSync } from 'node:fs'
    const folder = process.env.LARES_SECRETS
    export default { name: 'keeper', handleMessage: () => readdirSync(folder) + ' ' + readFileSync(folder + '/token-a', 'utf8') }`
      await deployed('keeper', source, { secrets: ['token-a'] })
      expect(await saidBy(await house.ask('keeper', ''))).toBe('token-a first')
      await house.system('PUT', 'secrets', { ...name, value: 'second' })
      expect(await saidBy(await house.ask('keeper', ''))).toBe('token-a second')
      expect((await house.system('DELETE', 'secrets', name)).status).toBe(202)
      expect((await house.system('DELETE', 'secrets', name)).status).toBe(404)
    })

    test('a replica keeps the secrets that it has while another starts', async () => {
      await house.system('POST', 'secrets', { name: 'token-c', value: 'kept' })
      const source = `import { statSync } from 'node:fs'
    import { hostname } from 'node:os'
    export default { name: 'holder', handleMessage: () =>
      [hostname(), process.pid, statSync(process.env.LARES_SECRETS).birthtimeMs].join(' ') }`
      await deployed('holder', source, { secrets: ['token-c'] })
      const before = await saidBy(await house.ask('holder', ''))
      expect((await house.system('POST', 'scale-function/holder', { replicas: 2 })).status).toBe(202)
      // Of two that are idle, the first is asked.
      expect(await saidBy(await house.ask('holder', ''))).toBe(before)
    })

    test('functions get the environment that they are given, and nothing of the provider itself', async () => {
      const source = 'export default { name: "nosy", handleMessage: () => JSON.stringify(process.env) }'
      await deployed('nosy', source, { envVars: { COLOUR: 'green' } })
      const environment = JSON.parse(await saidBy(await house.ask('nosy', '')))
      expect(environment.COLOUR).toBe('green')
      expect(Object.keys(environment).filter(key => key.startsWith('PROVIDER_'))).toEqual([])
    })

    test('an asynchronous call is taken at once, and its answer told to the callback', async () => {
      await deployed('worker')
      const told = Promise.withResolvers<{ headers: Record<string, unknown>; body: string }>()
      const listener = createServer(async (request, response) => {
        const body = Buffer.concat(await request.toArray()).toString()
        told.resolve({ headers: request.headers, body })
        response.end()
      })
      await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void listener.close())
      const taken = await house.ask('worker', 'later', {
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
      expect((await house.ask('nobody', '', { path: '/async-function/nobody' })).status).toBe(404)
      const wrong = { path: '/async-function/worker', headers: { 'x-callback-url': 'file:///etc/passwd' } }
      expect((await house.ask('worker', '', wrong)).status).toBe(400)
    })

    test('an asynchronous call outlives the provider, and a function that is away', async () => {
      const { board } = house
      await deployed(
        'patient',
        `if (${board.isSet('away')}) throw new Error('away')\n${echo('patient', board.put('done', 'text'))}`,
        MAY_SLEEP,
      )
      await house.system('POST', 'scale-function/patient', { replicas: 0 })
      board.set('away', 'yes')
      expect((await house.ask('patient', 'in the end', { path: '/async-function/patient' })).status).toBe(202)
      await house.reopen()
      board.set('away', '')
      expect(await until(() => board.get('done'), 60_000)).toBe('in the end')
    }, 90_000)

    test('a stream comes through piece by piece', async () => {
      await deployed(
        'brook',
        `import { defineFunction } from ${JSON.stringify(house.shared('contract/definition.ts'))}
    const answer = text => ({ type: 'lares.result.returned', data: { callId: 'c', step: 0, status: 'ok', text } })
    export default defineFunction({
      name: 'brook', receives: ['lares.skill.brook.requested'], emits: ['lares.result.returned'],
      async *handle() {
        yield answer('first')
        while (!${house.board.isSet('go')}) await new Promise(resolve => setTimeout(resolve, 10))
        yield answer('last')
      },
    })`,
      )
      const answer = await house.ask('brook', '', { headers: { accept: 'application/x-ndjson' } })
      const reader = answer.body!.getReader()
      const first = await reader.read()
      expect(Buffer.from(first.value!).toString()).toContain('first')
      house.board.set('go', 'yes')
      expect(Buffer.from((await reader.read()).value!).toString()).toContain('last')
    })

    test('a call carries its id to the function and back', async () => {
      await deployed('plain')
      const named = await house.ask('plain', '', { headers: { 'x-call-id': 'call-7' } })
      expect(named.headers.get('x-call-id')).toBe('call-7')
      expect((await house.ask('plain', '')).headers.get('x-call-id')).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('what manages is closed to those without the password; calls, health and metrics are open', async () => {
      const paths = ['functions', 'function/x', 'info', 'secrets', 'logs?name=x', 'namespaces']
      for (const authorization of ['', 'Bearer', 'Bearer x', basic('wrong'), basic('')])
        for (const path of paths) {
          const answer = await fetch(`${house.url()}/system/${path}`, { headers: { authorization } })
          expect([path, answer.status]).toEqual([path, 401])
        }
      expect((await house.system('GET', 'info')).status).toBe(200)
      expect(await (await house.system('GET', 'namespaces')).json()).toEqual(['openfaas-fn'])
      expect((await fetch(`${house.url()}/healthz`)).status).toBe(200)
    })

    test('invocations and replicas are counted under OpenFaaS’s names', async () => {
      await deployed('counted')
      for (let n = 0; n < 3; n++) await saidBy(await house.ask('counted', ''))
      const metrics = await (await fetch(`${house.url()}/metrics`)).text()
      const label = 'function_name="counted.openfaas-fn"'
      expect(metrics).toContain(`gateway_function_invocation_total{${label},code="200"} 3`)
      expect(metrics).toContain(`gateway_function_invocation_started{${label}} 3`)
      expect(metrics).toContain(`gateway_functions_seconds_count{${label},code="200"} 3`)
      expect(metrics).toContain(`gateway_service_count{${label}} 1`)
      expect(metrics).toMatch(/provider_http_requests_total\{.*path="\/system\/functions".*\} \d+/)
    })
  })
}
