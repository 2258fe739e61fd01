export const HUB = 'registry-1.docker.io'

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
