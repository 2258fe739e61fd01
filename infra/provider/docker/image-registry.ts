import { request } from 'undici'
import { parseImageName } from '../image-name.ts'
import { loginFor, type RegistryLogin } from './registry-login.ts'

const TIMEOUT_MS = 5_000
/** The manifests that an image's name can refer to: an index of several platforms, or one image. */
const MANIFEST_MEDIA_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/**
 * Asks the image's registry for the digest behind its name, as NAME@sha256:…, with the account of `docker login`.
 * Returns undefined when the registry does not answer. Errors: those of `loginFor`. Source: OCI Distribution
 * Specification 1.1, "Pulling manifests", and Docker's token authentication
 * (https://distribution.github.io/distribution/spec/auth/token/).
 */
export async function pinToDigest(image: string): Promise<string | undefined> {
  const { registry, repository, tag, digest } = parseImageName(image)
  if (digest !== undefined) return image
  const url = `${isPlainHttp(registry) ? 'http' : 'https'}://${registry}/v2/${repository}/manifests/${tag}`
  const login = await loginFor(image)
  const currentDigest = await fetchDigest(url, login).catch(() => undefined)
  return currentDigest && `${image.replace(/:[\w.-]+$/, '')}@${currentDigest}`
}

/** Registries that clients reach without TLS; Knative's library has the same rule. */
const isPlainHttp = (registry: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|.*\.local)(:\d+)?$/.test(
    registry,
  )

async function fetchDigest(url: string, login: RegistryLogin | undefined): Promise<string | undefined> {
  const first = await headManifest(url)
  const response =
    first.status === 401 ? await headManifest(url, await authorizationFor(first.challenge, login)) : first
  return response.status === 200 && /^sha256:[0-9a-f]{64}$/.test(response.digest)
    ? response.digest
    : undefined
}

async function headManifest(url: string, authorization?: string) {
  const { statusCode, headers, body } = await request(url, {
    method: 'HEAD',
    headers: { accept: MANIFEST_MEDIA_TYPES, ...(authorization && { authorization }) },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  await body.dump()
  return {
    status: statusCode,
    digest: String(headers['docker-content-digest'] ?? ''),
    challenge: String(headers['www-authenticate'] ?? ''),
  }
}

/** The credentials that the registry's challenge asks for: basic authentication, or a token of its token server. */
async function authorizationFor(
  challenge: string,
  login: RegistryLogin | undefined,
): Promise<string | undefined> {
  const basicAuth = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
  if (!/^bearer /i.test(challenge)) return basicAuth
  const parameters = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  )
  const { realm, ...query } = parameters as Record<string, string>
  const { body } = await request(`${realm}?${new URLSearchParams(query)}`, {
    headers: basicAuth ? { authorization: basicAuth } : {},
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const { token, access_token } = (await body.json()) as { token?: string; access_token?: string }
  return `Bearer ${token ?? access_token}`
}
