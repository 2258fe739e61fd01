import type Docker from 'dockerode'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Log } from '../../../shared/base/log.ts'
import type { Deployment } from '../deployment.ts'
import { dockerSaid } from './container-tail.ts'
import { loginFor } from './registry-login.ts'

/**
 * Asks the registry for the image, and gives back its id, which names what it holds. Where the registry cannot be asked,
 * an image that is here already serves. Errors: `invalid_request` when there is no such image, `unavailable` when it is not
 * here and cannot be asked for; both with what the registry said.
 */
export async function pulled(docker: Docker, { name, image }: Deployment, log: Log): Promise<string> {
  const problem = await pull(docker, image).catch((error: Failure) => error)
  const here = await docker
    .getImage(image)
    .inspect()
    .catch(() => undefined)
  if (here && problem)
    log.warn({ function: name, err: problem }, `${image} is taken as it is on this machine`)
  if (here) return here.Id
  const said = dockerSaid(problem) ?? 'the registry gave none for this platform'
  throw new LaresError(
    isMissing(problem) ? 'invalid_request' : 'unavailable',
    `${name}: the image ${image} cannot be had: ${said}; faas-cli push brings one there`,
    { cause: problem },
  )
}

type Failure = Error & { statusCode?: number }

const isMissing = (problem: Failure | undefined): boolean =>
  problem?.statusCode === 404 || /manifest unknown|not found|does not exist/i.test(problem?.message ?? '')

async function pull(docker: Docker, image: string): Promise<undefined> {
  const authconfig = await loginFor(image)
  const stream = await docker.pull(image, authconfig === undefined ? {} : { authconfig })
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(stream, error => (error ? reject(error) : resolve())),
  )
}
