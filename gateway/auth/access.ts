import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LaresError } from '../../shared/base/errors.ts'
import type { GatewayOptions } from '../options.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The person who sends the request; empty before authentication. */
    person: string
  }
}

/** The person with the token LARES_TOKEN. */
export const OWNER = 'owner'

const SESSION_COOKIE = 'lares'
const TOKEN_SUBPROTOCOL_PREFIX = 'bearer.'

/** Authenticates people by token or session cookie. */
export type Authenticator = {
  /** The person with this token. */
  personByToken(token: string): string | undefined
  /** The session that the page keeps instead of the token. It gives the same access, but only inside the cookie. */
  sessionForToken(token: string): string
  /** Errors: `unauthorized`; `forbidden` when a browser sends the request on behalf of another page. */
  authenticate(request: FastifyRequest): string
  /** Admits the owner and clients with `metricsToken`. Errors: those of `authenticate`; `forbidden` for anyone else. */
  authorizeMetrics(request: FastifyRequest): void
  /** Whether an Origin header names the gateway's own page or an allowed one. */
  isAllowedOrigin(origin: string, host: string | undefined): boolean
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
const sessionForToken = (token: string): string =>
  createHmac('sha256', token).update('lares session').digest('base64url')

/** Compares with every entry, so that the time taken does not reveal which entry was nearly right. */
function createSecretLookup(entries: { person: string; secret: string }[]) {
  const hashedEntries = entries.map(({ person, secret }) => ({ person, hash: sha256(secret) }))
  return (secret: string): string | undefined => {
    const hash = sha256(secret)
    let found: string | undefined
    for (const entry of hashedEntries) if (timingSafeEqual(entry.hash, hash)) found ??= entry.person
    return found
  }
}

export function openAuthenticator({ ownerToken, config }: GatewayOptions): Authenticator {
  const entries = [{ person: OWNER, token: ownerToken }, ...config.people]
  const personByToken = createSecretLookup(entries.map(({ person, token }) => ({ person, secret: token })))
  const personBySession = createSecretLookup(
    entries.map(({ person, token }) => ({ person, secret: sessionForToken(token) })),
  )
  const allowedOrigins = new Set(config.allowedOrigins.map(origin => new URL(origin).origin))
  const isAllowedOrigin = (origin: string, host: string | undefined) =>
    allowedOrigins.has(origin) || isSameOrigin(origin, host)
  const metricsTokenOwner = createSecretLookup(
    config.metricsToken === undefined ? [] : [{ person: 'metrics', secret: config.metricsToken }],
  )
  const authenticate = ({ headers, method }: FastifyRequest): string => {
    const token = bearerToken(headers)
    if (token !== undefined) return requireKnownPerson(personByToken(token))
    const session = sessionCookie(headers)
    const person = requireKnownPerson(session === undefined ? undefined : personBySession(session))
    if (method !== 'GET' && method !== 'HEAD') requireSameOrigin(headers)
    return person
  }
  return {
    personByToken,
    sessionForToken,
    isAllowedOrigin,
    authenticate,
    authorizeMetrics(request) {
      const token = bearerToken(request.headers)
      if (token !== undefined && metricsTokenOwner(token)) return
      if (authenticate(request) !== OWNER)
        throw new LaresError('forbidden', 'only the owner may do this, or metricsToken of gateway.yaml')
    },
  }
}

/**
 * A browser sends the cookie with every request, whichever page starts it. So changes are accepted from the gateway's
 * own page only.
 */
function requireSameOrigin({ origin, host }: IncomingHttpHeaders): void {
  if (origin === undefined || !isSameOrigin(origin, host))
    throw new LaresError('forbidden', 'a request with a cookie must come from the page of this gateway')
}

function requireKnownPerson(person: string | undefined): string {
  if (person !== undefined) return person
  throw new LaresError(
    'unauthorized',
    'a valid token is needed: send it as "Authorization: Bearer TOKEN" or sign in on the page',
  )
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}

/** Reads the token from the header, or from the WebSocket subprotocol: browsers cannot set headers there. */
function bearerToken({ authorization, ...headers }: IncomingHttpHeaders): string | undefined {
  if (authorization !== undefined) return /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? ''
  return headers['sec-websocket-protocol']
    ?.split(',')
    .map(protocol => protocol.trim())
    .find(protocol => protocol.startsWith(TOKEN_SUBPROTOCOL_PREFIX))
    ?.slice(TOKEN_SUBPROTOCOL_PREFIX.length)
}

/**
 * Browsers require the answer to name one of the subprotocols that they offered. The answer repeats the token's
 * subprotocol only when the client offers no other.
 */
export function chooseSubprotocol(offered: Set<string>): string | false {
  return (
    [...offered].find(protocol => !protocol.startsWith(TOKEN_SUBPROTOCOL_PREFIX)) ?? [...offered][0] ?? false
  )
}

const sessionCookie = ({ cookie }: IncomingHttpHeaders): string | undefined =>
  cookie
    ?.split(';')
    .map(pair => pair.trim())
    .find(pair => pair.startsWith(`${SESSION_COOKIE}=`))
    ?.slice(SESSION_COOKIE.length + 1)

const YEAR_SECONDS = 365 * 24 * 60 * 60

/**
 * Signs in, or out with an empty session. The cookie is `Secure` when the page came through TLS, also behind a proxy.
 */
export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, session: string): void {
  const isSecure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https'
  const age = session === '' ? 0 : YEAR_SECONDS
  const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${isSecure ? '; Secure' : ''}`
  reply.header('set-cookie', `${SESSION_COOKIE}=${session}; ${attributes}`)
}
