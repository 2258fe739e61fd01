import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { readStackFile } from '../../infra/cli/lint/lint-stack.ts'
import { readStack } from '../../shared/contract/stack.ts'
import { buildArguments, buildContext, type DockerMachine, ROOT } from './docker/docker.ts'
import { basicAuth, PASSWORD } from './provider.ts'

const run = promisify(execFile)

/**
 * Does the work of `faas-cli up`: build, push, deploy. It uses faas-cli itself when it is on PATH; no registry offers
 * it.
 */
export async function deployStack(machine: DockerMachine, provider: string): Promise<void> {
  const { registry, baseImages } = machine
  const hasCli = await run('faas-cli', ['version', '--short-version']).then(
    () => true,
    () => false,
  )
  process.stderr.write(`functions are deployed by ${hasCli ? 'faas-cli up' : 'what faas-cli would send'}\n`)
  if (hasCli) {
    const env = { ...process.env, REGISTRY: registry, OPENFAAS_URL: provider }
    await run('faas-cli', ['login', '-g', provider, '--password', PASSWORD], { env })
    const buildArgs = Object.entries(buildArguments(baseImages)).flatMap(([name, value]) => [
      '--build-arg',
      `${name}=${value}`,
    ])
    await run('faas-cli', ['up', '-g', provider, ...buildArgs], {
      env,
      cwd: ROOT,
      maxBuffer: 64 * 1024 * 1024,
    })
    return
  }
  for (const { name } of await readStack(join(ROOT, 'stack.yml'))) {
    await build(machine, ROOT, name)
    await deploy(machine, ROOT, name, provider)
  }
}

const stackEntryOf = async ({ registry }: DockerMachine, root: string, name: string) =>
  (await readStackFile(join(root, 'stack.yml'), { REGISTRY: registry })).find(one => one.name === name)!

/** `faas-cli build` and `push` of one function of the checkout `root`. */
export async function build(machine: DockerMachine, root: string, name: string): Promise<void> {
  const { handler, image } = await stackEntryOf(machine, root, name)
  const context = await buildContext(resolve(root, handler!))
  await machine.build(context, image!, buildArguments(machine.baseImages))
  await rm(context, { recursive: true })
}

/** `faas-cli deploy` of one function. */
export async function deploy(
  machine: DockerMachine,
  root: string,
  name: string,
  provider: string,
): Promise<void> {
  const one = await stackEntryOf(machine, root, name)
  const { image, labels, annotations, limits, requests, readonly_root_filesystem } = one
  await system(provider, 'POST', {
    ...{ service: name, image, envProcess: 'node main.mjs', labels, annotations, limits, requests },
    readOnlyRootFilesystem: readonly_root_filesystem,
  })
}

/** `faas-cli remove` of one function. */
export const remove = (name: string, provider: string): Promise<void> =>
  system(provider, 'DELETE', { functionName: name })

async function system(provider: string, method: string, body: object): Promise<void> {
  const answer = await fetch(`${provider}/system/functions`, {
    method,
    headers: { authorization: basicAuth(PASSWORD) },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${method} of ${JSON.stringify(body)}: ${await answer.text()}`)
}
