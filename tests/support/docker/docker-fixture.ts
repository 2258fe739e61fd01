import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import type { ProviderTestBackend } from '../provider.ts'
import { type DockerMachine, killContainersOf, ROOT } from './docker.ts'

const NATIVE_MODULES = /^(node:|node-llama-cpp|onnxruntime-node)/
const BUNDLE_PATH = '/app/shared.mjs'

const dockerfileFor = (base: string) => `FROM ${base}
WORKDIR /app
ENV HOST=0.0.0.0 PORT=8080 LARES_HOME=/tmp/lares NODE_OPTIONS=--disable-warning=ExperimentalWarning
COPY . .
USER 10001:10001
CMD ["node", "main.mjs"]
`

/**
 * Builds handlers of tests as images. The runtime is a layer that all images share, and each handler is one more file,
 * so that a build takes a moment. Other tests build images of real functions with the template.
 */
export async function dockerProviderBackend(machine: DockerMachine): Promise<ProviderTestBackend> {
  const folder = await mkdtemp(join(tmpdir(), 'lares-runtime-'))
  const runtime = `${machine.registry}/tests/runtime:latest`
  await bundleRuntime(folder)
  await writeFile(
    join(folder, 'main.mjs'),
    `import { runBundled } from './shared.mjs'\nawait runBundled(() => import('./handler.ts'))\n`,
  )
  await writeFile(join(folder, 'Dockerfile'), dockerfileFor(machine.baseImages.base))
  await machine.build(folder, runtime)
  await rm(folder, { recursive: true })
  const builtSources = new Map<string, string>()
  const image = (name: string) => `${machine.registry}/lares/${name}:latest`
  return {
    backend: 'docker',
    host: machine.host,
    image,
    shared: () => BUNDLE_PATH,
    async write(home, name, source) {
      if (builtSources.get(name) === source) return
      builtSources.set(name, source)
      const context = join(home, 'functions', name)
      await mkdir(context, { recursive: true })
      await writeFile(join(context, 'handler.ts'), source)
      await writeFile(join(context, 'Dockerfile'), `FROM ${runtime}\nCOPY handler.ts ./\n`)
      await machine.build(context, image(name))
    },
    kill: killContainersOf,
  }
}

async function bundleRuntime(folder: string): Promise<void> {
  const entry = join(ROOT, 'runtime.mjs')
  const source = ['host/bundled.ts', 'contract/definition.ts']
    .map(file => `export * from ${JSON.stringify(join(ROOT, 'shared', file))}`)
    .join('\n')
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    external: NATIVE_MODULES,
    plugins: [
      {
        name: 'entry',
        resolveId: id => (id === entry ? id : null),
        load: id => (id === entry ? source : null),
      },
    ],
  })
  await bundle.write({
    file: join(folder, 'shared.mjs'),
    format: 'esm',
    codeSplitting: false,
    keepNames: true,
  })
}
