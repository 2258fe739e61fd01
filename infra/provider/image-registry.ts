import { request } from 'undici'

const LIMIT_MS = 5_000
const HUB = 'registry-1.docker.io'
/** What an image's name can stand for: an index of several platforms, or one image. */
const ACCEPTED = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

export type ImageName = { registry: string; repository: string; tag: string; digest: string | undefined }

/** The parts of an image's name, with what Docker takes for those that are missing. */
export function imageNameOf(image: string): ImageName {
  const [named = '', digest] = image.split('@')
  const slash = named.indexOf('/')
  const first = named.slice(0, slash)
  // A registry is told from a part of the path by its dot or port.
  const isRegistry = slash > 0 && (/[.:]/.test(first) || first === 'localhost')
  const path = isRegistry ? named.slice(slash + 1) : named
  const [, repository = path, tag = 'latest'] = /^(.+?)(?::([\w.-]+))?$/.exec(path) ?? []
  const isOfHub = !isRegistry || first === 'docker.io' || first === 'index.docker.io'
  return {
    registry: isOfHub ? HUB : first,
    repository: isOfHub && !repository.includes('/') ? `library/${repository}` : repository,
    tag,
    digest,
  }
}

/**
 * What the image's name stands for now, as NAME@sha256:…, from its registry as anybody may ask it; undefined where it does
 * not say. Source: OCI Distribution Specification 1.1, "Pulling manifests", and Docker's token authentication.
 */
export async function pinned(image: string): Promise<string | undefined> {
  const { registry, repository, tag, digest } = imageNameOf(image)
  if (digest !== undefined) return image
  const url = `${isLocal(registry) ? 'http' : 'https'}://${registry}/v2/${repository}/manifests/${tag}`
  const found = await digestAt(url).catch(() => undefined)
  return found && `${image.replace(/:[\w.-]+$/, '')}@${found}`
}

/** Those that images are taken from without TLS, as the library of Knative and others does it. */
const isLocal = (registry: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|.*\.local)(:\d+)?$/.test(
    registry,
  )

async function digestAt(url: string): Promise<string | undefined> {
  const first = await head(url)
  const answer = first.status === 401 ? await head(url, await tokenFor(first.challenge)) : first
  return answer.status === 200 && /^sha256:[0-9a-f]{64}$/.test(answer.digest) ? answer.digest : undefined
}

async function head(url: string, token?: string) {
  const { statusCode, headers, body } = await request(url, {
    method: 'HEAD',
    headers: { accept: ACCEPTED, ...(token && { authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(LIMIT_MS),
  })
  await body.dump()
  return {
    status: statusCode,
    digest: String(headers['docker-content-digest'] ?? ''),
    challenge: String(headers['www-authenticate'] ?? ''),
  }
}

/** For anybody, who has no name there. */
async function tokenFor(challenge: string): Promise<string | undefined> {
  const asked = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  )
  if (!/^bearer /i.test(challenge) || asked.realm === undefined) return undefined
  const { realm, ...query } = asked as Record<string, string>
  const url = `${realm}?${new URLSearchParams(query)}`
  const { body } = await request(url, { signal: AbortSignal.timeout(LIMIT_MS) })
  const { token, access_token } = (await body.json()) as { token?: string; access_token?: string }
  return token ?? access_token
}
