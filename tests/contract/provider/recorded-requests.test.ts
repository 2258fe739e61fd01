import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import {
  basicAuth,
  echoSkillSource,
  openProviderFixture,
  PASSWORD,
  type ProviderFixture,
} from '../../support/provider.ts'

const recording = z.object({
  requests: z.array(
    z.object({
      method: z.string(),
      path: z.string(),
      headers: z.record(z.string(), z.string()),
      body: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
      answered: z.int(),
    }),
  ),
})

let harness: ProviderFixture

beforeAll(async () => {
  harness = await openProviderFixture()
  for (const name of ['intent', 'generation']) await harness.write(name, echoSkillSource(name))
})
afterAll(() => harness.close())

const ROOT = join(import.meta.dirname, '..', '..', '..')
const secret = { name: 'models-token', value: 'before' }

/**
 * The recording server stored nothing: it accepted a function with a secret that faas-cli created later. A provider refuses
 * such a function, so the secret is there for the deployment and is removed again before faas-cli creates it.
 */
async function prepareSecret(method: string, path: string): Promise<void> {
  if (path === '/system/functions' && method === 'POST') await harness.system('POST', 'secrets', secret)
  if (path === '/system/secrets' && method === 'POST') await harness.system('DELETE', 'secrets', secret)
}

test('every request that faas-cli 0.18 was seen to make is answered as it expects', async () => {
  const { requests } = recording.parse(
    JSON.parse(await readFile(join(import.meta.dirname, 'faas-cli-requests.json'), 'utf8')),
  )
  expect(requests).toHaveLength(28)
  for (const [index, { method, path, headers, body, answered }] of requests.entries()) {
    await prepareSecret(method, path)
    const { authorization, ...others } = headers
    const gone = new AbortController()
    const answer = await fetch(`${harness.url()}${path}`, {
      method,
      signal: gone.signal,
      headers: {
        ...others,
        ...(authorization?.startsWith('Basic') && { authorization: basicAuth(PASSWORD) }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const step = `${index + 1}. ${method} ${path}`
    // A Lares function takes events, and refuses other requests itself; the provider only has to pass the request on.
    const expected = path.startsWith('/function/') ? 415 : answered
    // Without a login, `faas-cli version` shows only the public part.
    const signedOut = authorization !== undefined && !authorization.startsWith('Basic')
    expect([step, answer.status]).toEqual([step, signedOut ? 401 : expected])
    gone.abort()
  }
}, 60_000)

test('the documented faas-cli invoke gets an answer from the skill', async () => {
  const page = await readFile(join(ROOT, 'docs', 'deploy.md'), 'utf8')
  const [, name, contentType, event] =
    /^faas-cli invoke (\S+) --content-type (\S+) <<'EVENT'\n([\s\S]*?)\nEVENT$/m.exec(page) ?? []
  await harness.write('time', `export { default } from '${join(ROOT, 'functions/skills/time/handler.ts')}'`)
  expect((await harness.system('POST', 'functions', harness.deployment('time'))).status).toBe(202)
  const answer = await fetch(`${harness.url()}/function/${name}.openfaas-fn`, {
    method: 'POST',
    headers: { 'content-type': contentType!, 'user-agent': 'faas-cli/dev' },
    body: event!,
  })
  expect([answer.status, answer.headers.get('ce-type')]).toEqual([200, 'lares.result.returned'])
  expect(await answer.json()).toMatchObject({ callId: '1', text: expect.stringContaining('Tokyo') })
})

test('a body that is no event is refused with the content type that a whole event has', async () => {
  const answer = await fetch(`${harness.url()}/function/time`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'What time is it?',
  })
  expect(answer.status).toBe(415)
  expect(await answer.text()).toContain('application/cloudevents+json')
})
