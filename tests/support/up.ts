import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readWholeStack } from '../../infra/lares/lint-stack.ts'
import { buildArguments, buildContext, type DockerMachine, ROOT } from './docker.ts'
import { basic, PASSWORD } from './provider.ts'

const run = promisify(execFile)

/** What `faas-cli up` does: build, push, deploy; with faas-cli itself where it is on PATH, which no registry carries. */
export async function up({ registry, base, build }: DockerMachine, provider: string): Promise<void> {
  const args = buildArguments(base)
  const hasCli = await run('faas-cli', ['version', '--short-version']).then(
    () => true,
    () => false,
  )
  process.stderr.write(`functions are deployed by ${hasCli ? 'faas-cli up' : 'what faas-cli would send'}\n`)
  if (hasCli) {
    const env = { ...process.env, REGISTRY: registry, OPENFAAS_URL: provider }
    await run('faas-cli', ['login', '-g', provider, '--password', PASSWORD], { env })
    const given = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
    await run('faas-cli', ['up', '-g', provider, ...given], { env, cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })
    return
  }
  for (const one of await readWholeStack(join(ROOT, 'stack.yml'), { REGISTRY: registry })) {
    const context = await buildContext(one.handler!)
    await build(context, one.image!, args)
    await rm(context, { recursive: true })
    const { name, image, labels, annotations, limits, requests, readonly_root_filesystem } = one
    const answer = await fetch(`${provider}/system/functions`, {
      method: 'POST',
      headers: { authorization: basic(PASSWORD) },
      body: JSON.stringify({
        ...{ service: name, image, envProcess: 'node main.mjs', labels, annotations, limits, requests },
        readOnlyRootFilesystem: readonly_root_filesystem,
      }),
    })
    if (!answer.ok) throw new Error(`${name} is not deployed: ${await answer.text()}`)
  }
}
