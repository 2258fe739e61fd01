import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { LaresError } from '../../shared/base/errors.ts'
import { setSessionCookie } from '../auth/access.ts'
import type { GatewayContext } from '../context.ts'
import { parseInput } from './error-responses.ts'

const MEDIA_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
}

/** Libraries of the page. The gateway serves them itself; the page never loads them from elsewhere. */
const LIBRARIES = { '/vendor/marked.js': 'marked', '/vendor/dompurify.js': 'dompurify' }

type StaticFile = { type: string; body: Buffer; etag: string }

const loadFile = (path: string): StaticFile => {
  const body = readFileSync(path)
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return { type: MEDIA_TYPES[extname(path)]!, body, etag }
}

/** The page's files by their paths. They are few and small, so the gateway keeps them in memory. */
function loadFiles(): Map<string, StaticFile> {
  const folder = join(import.meta.dirname, '..', 'web')
  const own = readdirSync(folder).filter(name => extname(name) in MEDIA_TYPES && !name.endsWith('.d.ts'))
  const files = new Map(own.map(name => [`/${name}`, loadFile(join(folder, name))]))
  files.set('/', files.get('/index.html')!)
  for (const [path, name] of Object.entries(LIBRARIES))
    files.set(path, loadFile(fileURLToPath(import.meta.resolve(name))))
  return files
}

/** The page and its sign-in: by the link that the first start prints, or by the page's form. */
export function pageRoutes(app: FastifyInstance, context: GatewayContext): void {
  for (const [path, { type, body, etag }] of loadFiles()) {
    app.get(path, async (request, reply) => {
      const { token } = request.query as { token?: unknown }
      if (path === '/' && typeof token === 'string') {
        const person = context.authenticator.personByToken(token)
        if (person !== undefined) {
          await recordSignIn(context, person)
          setSessionCookie(request, reply, context.authenticator.sessionForToken(token))
        }
        return reply.header('cache-control', 'no-store').redirect('/', 303)
      }
      reply.headers({ etag: etag, 'cache-control': 'no-cache' }).type(type)
      return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(body)
    })
  }
  sessionRoutes(app, context)
}

const signInBody = z.strictObject({ token: z.string().max(4096) })

/** Records a sign-in before it happens. When recording fails, the person is not signed in. */
const recordSignIn = async ({ options: { audit } }: GatewayContext, person: string): Promise<void> =>
  await audit.record({ action: 'signed-in', by: { person } })

function sessionRoutes(app: FastifyInstance, context: GatewayContext): void {
  const { authenticator } = context

  app.get('/api/session', async request => ({ person: authenticator.authenticate(request) }))

  app.post('/api/session', async (request, reply) => {
    const { token } = parseInput(signInBody, request.body)
    const person = authenticator.personByToken(token)
    if (person === undefined) throw new LaresError('unauthorized', 'this token is not known here')
    await recordSignIn(context, person)
    setSessionCookie(request, reply, authenticator.sessionForToken(token))
    return { person }
  })

  app.delete('/api/session', async (request, reply) => {
    authenticator.authenticate(request)
    setSessionCookie(request, reply, '')
    return reply.code(204).send()
  })
}
