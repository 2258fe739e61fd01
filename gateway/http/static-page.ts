import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { LaresError } from '../../shared/base/errors.ts'
import { setSession } from '../auth/access.ts'
import type { Rooms } from '../context.ts'
import { checked } from './error-responses.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
}

/** Libraries that the page uses, served from here and never from elsewhere. */
const LIBRARIES = { '/vendor/marked.js': 'marked', '/vendor/dompurify.js': 'dompurify' }

type File = { type: string; body: Buffer; tag: string }

const fileAt = (path: string): File => {
  const body = readFileSync(path)
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return { type: TYPES[extname(path)]!, body, tag }
}

/** The page's files by their paths: few and small, so they are kept. */
function readFiles(): Map<string, File> {
  const folder = join(import.meta.dirname, '..', 'web')
  const own = readdirSync(folder).filter(name => extname(name) in TYPES && !name.endsWith('.d.ts'))
  const files = new Map(own.map(name => [`/${name}`, fileAt(join(folder, name))]))
  files.set('/', files.get('/index.html')!)
  for (const [path, name] of Object.entries(LIBRARIES))
    files.set(path, fileAt(fileURLToPath(import.meta.resolve(name))))
  return files
}

/** The page, and signing in: by the link that the first start prints, or by the page's form. */
export function pageRoutes(app: FastifyInstance, rooms: Rooms): void {
  for (const [path, { type, body, tag }] of readFiles()) {
    app.get(path, async (request, reply) => {
      const { token } = request.query as { token?: unknown }
      if (path === '/' && typeof token === 'string') {
        const person = rooms.access.personOf(token)
        if (person !== undefined) {
          await recordSignIn(rooms, person)
          setSession(request, reply, rooms.access.sessionOf(token))
        }
        return reply.header('cache-control', 'no-store').redirect('/', 303)
      }
      reply.headers({ etag: tag, 'cache-control': 'no-cache' }).type(type)
      return request.headers['if-none-match'] === tag ? reply.code(304).send() : reply.send(body)
    })
  }
  sessionRoutes(app, rooms)
}

const signIn = z.strictObject({ token: z.string().max(4096) })

/** Before the door opens: who cannot be recorded does not come in. */
const recordSignIn = async ({ parts: { audit } }: Rooms, person: string): Promise<void> =>
  await audit?.record({ action: 'signed-in', by: { person } })

function sessionRoutes(app: FastifyInstance, rooms: Rooms): void {
  const { access } = rooms

  app.get('/api/session', async request => ({ person: access.enter(request) }))

  app.post('/api/session', async (request, reply) => {
    const { token } = checked(signIn, request.body)
    const person = access.personOf(token)
    if (person === undefined) throw new LaresError('unauthorized', 'this token is not known here')
    await recordSignIn(rooms, person)
    setSession(request, reply, access.sessionOf(token))
    return { person }
  })

  app.delete('/api/session', async (request, reply) => {
    access.enter(request)
    setSession(request, reply, '')
    return reply.code(204).send()
  })
}
