import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LaresError } from '../../../shared/base/errors.ts'
import { sendRequest } from './client.ts'
import {
  ALICE_TOKEN,
  ALLOWED_ORIGIN,
  HIGH_LIMITS,
  OWNER_TOKEN,
  openTestGateway,
  type TestGateway,
} from './gateway-instance.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await openTestGateway()
})
afterAll(() => gateway.close())

describe('signing in on the page', () => {
  const signIn = async () => {
    const response = await sendRequest(gateway, `/?token=${OWNER_TOKEN}`, { token: null, redirect: 'manual' })
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe('/')
    return response.headers.get('set-cookie')!
  }

  it('takes the token out of the address and keeps it in no script’s reach', async () => {
    const cookie = await signIn()
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/)
    expect(cookie).not.toContain(OWNER_TOKEN)
  })

  it('by a wrong link sets no cookie', async () => {
    const response = await sendRequest(gateway, '/?token=wrong', { token: null, redirect: 'manual' })
    expect(response.headers.get('set-cookie')).toBeNull()
  })

  it('lets the page read, and write from its own address only', async () => {
    const cookie = (await signIn()).split(';')[0]!
    const write = (origin?: string) =>
      sendRequest(gateway, '/api/messages', {
        json: { text: 'from the page' },
        token: null,
        headers: { cookie, ...(origin && { origin }) },
      })
    expect(
      (await sendRequest(gateway, '/api/conversations', { token: null, headers: { cookie } })).status,
    ).toBe(200)
    expect((await write(gateway.url)).status).toBe(202)
    expect((await write('https://evil.example')).status).toBe(403)
    expect((await write(ALLOWED_ORIGIN)).status).toBe(403)
    expect((await write()).status).toBe(403)
  })

  it('by the form works, and signing out ends it', async () => {
    expect(
      (await sendRequest(gateway, '/api/session', { json: { token: 'wrong' }, token: null })).status,
    ).toBe(401)
    const response = await sendRequest(gateway, '/api/session', { json: { token: ALICE_TOKEN }, token: null })
    expect(await response.json()).toEqual({ person: 'alice' })
    const cookie = response.headers.get('set-cookie')!.split(';')[0]!
    const headers = { cookie, origin: gateway.url }
    expect(await (await sendRequest(gateway, '/api/session', { token: null, headers })).json()).toEqual({
      person: 'alice',
    })
    const out = await sendRequest(gateway, '/api/session', { method: 'DELETE', token: null, headers })
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0')
  })
})

describe('borders', () => {
  it('allow the origins of the config, and no others', async () => {
    const preflight = (origin: string) =>
      sendRequest(gateway, '/api/messages', { method: 'OPTIONS', token: null, headers: { origin } })
    const allowed = await preflight(ALLOWED_ORIGIN)
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ALLOWED_ORIGIN)
    expect(allowed.headers.get('access-control-allow-headers')).toContain('idempotency-key')
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull()
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
  })

  it.each(['/', '/app.js', '/api/conversations', '/nothing'])(
    'guard %s with security headers',
    async path => {
      const { headers } = await sendRequest(gateway, path)
      expect(headers.get('content-security-policy')).toMatch(/script-src 'self';.*frame-ancestors 'none'/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
    },
  )

  it('serve the page and its libraries, each from here', async () => {
    const html = await (await sendRequest(gateway, '/', { token: null })).text()
    expect(html).not.toMatch(/https?:\/\//)
    for (const path of ['/app.js', '/style.css', '/vendor/marked.js', '/vendor/dompurify.js']) {
      const response = await sendRequest(gateway, path, { token: null })
      expect(response.status).toBe(200)
      const etag = response.headers.get('etag')!
      const again = await sendRequest(gateway, path, { token: null, headers: { 'if-none-match': etag } })
      expect(again.status).toBe(304)
    }
  })
})

describe('readiness', () => {
  it('names the part that is not ready, and waits for none of them', async () => {
    const broken = await openTestGateway({
      overrides: {
        checks: {
          bus: async () => undefined,
          store: async () => {
            throw new LaresError('unavailable', 'the database is away')
          },
          model: async () => {
            throw new Error('postgres://user:secret@db')
          },
          skills: () => new Promise(() => undefined),
        },
      },
    })
    try {
      const response = await sendRequest(broken, '/readyz', { token: null })
      expect(response.status).toBe(503)
      expect(await response.json()).toEqual({
        ready: false,
        parts: {
          bus: { ok: true },
          store: { ok: false, problem: 'the database is away' },
          model: { ok: false, problem: 'it failed' },
          skills: { ok: false, problem: 'skills did not answer within 2 s' },
        },
      })
      expect(await (await sendRequest(broken, '/healthz', { token: null })).json()).toEqual({ status: 'ok' })
    } finally {
      await broken.close()
    }
  })

  it('is given when all parts are ready', async () => {
    const response = await sendRequest(gateway, '/readyz', { token: null })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ ready: true, parts: { bus: { ok: true } } })
  })
})

describe('listening', () => {
  it('where another program listens is refused with the remedy', async () => {
    await expect(openTestGateway({ port: Number(new URL(gateway.url).port) })).rejects.toThrow(/set PORT/)
  })

  it('beyond loopback is refused while nobody chose a token', async () => {
    const closed = await openTestGateway({
      overrides: {
        config: {
          people: [],
          groups: [],
          allowedOrigins: [],
          maxBodyBytes: 4096,
          maxWaiting: HIGH_LIMITS,
          deliveries: [],
        },
      },
    })
    try {
      await expect(closed.gateway.listen('0.0.0.0', 0)).rejects.toThrow(/LARES_TOKEN/)
    } finally {
      await closed.close()
    }
  })
})

/** Sends a large body bit by bit, as a client does that looks for an early answer. */
