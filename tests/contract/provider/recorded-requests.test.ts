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

const secret = { name: 'models-token', value: 'before' }

/** The recording server kept nothing: it took a function with a secret that was made later. A provider does not. */
async function createMissingSecret(method: string, path: string): Promise<void> {
  if (path === '/system/functions' && method === 'POST') await harness.system('POST', 'secrets', secret)
}

test('every request that faas-cli 0.18 was seen to make is answered as it expects', async () => {
  const { requests } = recording.parse(
    JSON.parse(await readFile(join(import.meta.dirname, 'faas-cli-requests.json'), 'utf8')),
  )
  expect(requests).toHaveLength(28)
  for (const [index, { method, path, headers, body, answered }] of requests.entries()) {
    await createMissingSecret(method, path)
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
    // A Lares function takes events, and says so itself; that it was asked is what the provider has to do.
    const expected = path.startsWith('/function/') ? 415 : answered
    // Signed out, `faas-cli version` shows what it can.
    const signedOut = authorization !== undefined && !authorization.startsWith('Basic')
    expect([step, answer.status]).toEqual([step, signedOut ? 401 : expected])
    gone.abort()
  }
}, 60_000)
