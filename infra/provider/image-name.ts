export const DOCKER_HUB = 'registry-1.docker.io'

export type ImageName = { registry: string; repository: string; tag: string; digest: string | undefined }

/** The parts of an image's name, with Docker's defaults for missing ones. */
export function parseImageName(image: string): ImageName {
  const [reference = '', digest] = image.split('@')
  const slash = reference.indexOf('/')
  const first = reference.slice(0, slash)
  // A dot or a port distinguishes a registry from a part of the path.
  const isRegistry = slash > 0 && (/[.:]/.test(first) || first === 'localhost')
  const path = isRegistry ? reference.slice(slash + 1) : reference
  const [, repository = path, tag = 'latest'] = /^(.+?)(?::([\w.-]+))?$/.exec(path) ?? []
  const isDockerHub = !isRegistry || first === 'docker.io' || first === 'index.docker.io'
  return {
    registry: isDockerHub ? DOCKER_HUB : first,
    repository: isDockerHub && !repository.includes('/') ? `library/${repository}` : repository,
    tag,
    digest,
  }
}
