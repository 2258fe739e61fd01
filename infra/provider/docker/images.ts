import type Docker from 'dockerode'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Logger } from '../../../shared/base/log.ts'
import type { Deployment } from '../deployment.ts'
import { dockerErrorMessage } from './docker-error.ts'
import { loginFor } from './registry-login.ts'

/**
 * Pulls the image and returns its id, which identifies its content. When the registry cannot be reached, a local copy
 * is enough. Errors: `invalid_request` when the image does not exist, `unavailable` when there is no local copy and the
 * registry cannot be reached; both with the registry's message.
 */
export async function pullImage(docker: Docker, { name, image }: Deployment, log: Logger): Promise<string> {
  const pullError = await pull(docker, image).catch((error: DockerError) => error)
  const localImage = await docker
    .getImage(image)
    .inspect()
    .catch(() => undefined)
  if (localImage && pullError)
    log.warn(
      { function: name, err: pullError },
      `the registry does not give ${image}, so its copy on this machine is used`,
    )
  if (localImage) return localImage.Id
  const reason = dockerErrorMessage(pullError) ?? 'the registry gave none for this platform'
  throw new LaresError(
    isImageMissing(pullError) ? 'invalid_request' : 'unavailable',
    `${name}: the image ${image} cannot be pulled: ${reason}; push it with faas-cli push`,
    { cause: pullError },
  )
}

type DockerError = Error & { statusCode?: number }

const isImageMissing = (error: DockerError | undefined): boolean =>
  error?.statusCode === 404 || /manifest unknown|not found|does not exist/i.test(error?.message ?? '')

async function pull(docker: Docker, image: string): Promise<undefined> {
  const authconfig = await loginFor(image)
  const stream = await docker.pull(image, authconfig === undefined ? {} : { authconfig })
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(stream, error => (error ? reject(error) : resolve())),
  )
}
