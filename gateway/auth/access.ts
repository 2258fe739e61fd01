import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LaresError } from '../../shared/base/errors.ts'
import type { Parts } from '../context.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; empty before it is known. */
    person: string
  }
}

/** The person whose token is LARES_TOKEN. */
export const OWNER = 'owner'

const COOKIE = 'lares'
const SUBPROTOCOL = 'bearer.'

/** Who may come in, by what they bring. */
export type Access = {
  /** The person whose token this is. */
  personOf(token: string): string | undefined
  /** What the page keeps instead of the token: it opens the same doors, but is no use to anyone outside of the cookie. */
  sessionOf(token: string): string
  /** Errors: `unauthorized`; `forbidden` when a browser asks on behalf of another page. */
  enter(request: FastifyRequest): string
  /** Lets the owner pass, and who has `metricsToken`. Errors: those of `enter`; `forbidden` for anyone else. */
  enterMetrics(request: FastifyRequest): void
  /** True for an Origin header of the gateway's own page or of an allowed one. */
  isOwnOrAllowed(origin: string, host: string | undefined): boolean
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
const sessionOf = (token: string): string =>
  createHmac('sha256', token).update('lares session').digest('base64url')

/** Compares with every entry, so that the time taken says nothing about which was nearly right. */
function finder(entries: { person: string; secret: string }[]) {
  const known = entries.map(({ person, secret }) => ({ person, hash: digest(secret) }))
  return (secret: string): string | undefined => {
    const hash = digest(secret)
    let found: string | undefined
    for (const entry of known) if (timingSafeEqual(entry.hash, hash)) found ??= entry.person
    return found
  }
}

export function openAccess({ ownerToken, config }: Parts): Access {
  const entries = [{ person: OWNER, token: ownerToken }, ...config.people]
  const personOf = finder(entries.map(({ person, token }) => ({ person, secret: token })))
  const personOfSession = finder(entries.map(({ person, token }) => ({ person, secret: sessionOf(token) })))
  const allowed = new Set(config.allowedOrigins.map(origin => new URL(origin).origin))
  const isOwnOrAllowed = (origin: string, host: string | undefined) =>
    allowed.has(origin) || isOwn(origin, host)
  const isForMetrics = finder(
    config.metricsToken === undefined ? [] : [{ person: 'metrics', secret: config.metricsToken }],
  )
  const enter = ({ headers, method }: FastifyRequest): string => {
    const token = bearerOf(headers)
    if (token !== undefined) return known(personOf(token))
    const session = cookieOf(headers)
    const person = known(session === undefined ? undefined : personOfSession(session))
    if (method !== 'GET' && method !== 'HEAD') checkOrigin(headers)
    return person
  }
  return {
    personOf,
    sessionOf,
    isOwnOrAllowed,
    enter,
    enterMetrics(request) {
      const token = bearerOf(request.headers)
      if (token !== undefined && isForMetrics(token)) return
      if (enter(request) !== OWNER)
        throw new LaresError('forbidden', 'only the owner may do this, or metricsToken of gateway.yaml')
    },
  }
}

/** A cookie comes along by itself, whichever page asks: changes are taken from our own page only. */
function checkOrigin({ origin, host }: IncomingHttpHeaders): void {
  if (origin === undefined || !isOwn(origin, host))
    throw new LaresError('forbidden', 'a request with a cookie must come from the page of this gateway')
}

function known(person: string | undefined): string {
  if (person !== undefined) return person
  throw new LaresError(
    'unauthorized',
    'a valid token is needed: send it as "Authorization: Bearer TOKEN" or sign in on the page',
  )
}

function isOwn(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}

/** By header, or by WebSocket subprotocol, as browsers can set no headers there. */
function bearerOf({ authorization, ...headers }: IncomingHttpHeaders): string | undefined {
  if (authorization !== undefined) return /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? ''
  return headers['sec-websocket-protocol']
    ?.split(',')
    .map(protocol => protocol.trim())
    .find(protocol => protocol.startsWith(SUBPROTOCOL))
    ?.slice(SUBPROTOCOL.length)
}

/** Browsers want one of the subprotocols that they offered; the token is named again only where there is no other. */
export function chooseProtocol(offered: Set<string>): string | false {
  return [...offered].find(protocol => !protocol.startsWith(SUBPROTOCOL)) ?? [...offered][0] ?? false
}

const cookieOf = ({ cookie }: IncomingHttpHeaders): string | undefined =>
  cookie
    ?.split(';')
    .map(pair => pair.trim())
    .find(pair => pair.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1)

const YEAR_SECONDS = 365 * 24 * 60 * 60

/** Signs in (or out, with an empty session). `Secure` where the page came through TLS, also by a proxy. */
export function setSession(request: FastifyRequest, reply: FastifyReply, session: string): void {
  const isSecure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https'
  const age = session === '' ? 0 : YEAR_SECONDS
  const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${isSecure ? '; Secure' : ''}`
  reply.header('set-cookie', `${COOKIE}=${session}; ${attributes}`)
}
