import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseEnv } from 'node:util'
import { stringify } from 'yaml'
import { LaresError } from '../../shared/base/errors.ts'
import type { Environment } from '../../shared/config/environment.ts'
import { masterKeysIn, textsOrMade } from '../../shared/protection/master-key.ts'
import { madeSecret, writeOnce } from '../setup/generated-secret.ts'

/** What stores are opened with: by nobody but Lares, so nobody chooses it. */
const STORE_SECRETS = ['POSTGRES_PASSWORD', 'QDRANT_API_KEY', 'S3_SECRET_KEY'] as const
const STORES = 'stores.env'
const SECRETS = 'secrets.env'
const MODELS = 'models.yaml'

/**
 * Makes an overlay of infra/knative/base in `LARES_HOME/cluster`, with what has no default there: the passwords, the token
 * and the master key (made once, what is there stays), this machine's configuration files, and where the model server is.
 * Gives back the folder, for `kubectl apply --server-side -k`. Errors: `invalid_config`.
 */
export async function prepareCluster(environment: Environment, { keda }: { keda: boolean }): Promise<string> {
  const { home, configDirectory } = environment
  const folder = join(home, 'cluster')
  await mkdir(join(folder, 'config'), { recursive: true, mode: 0o700 })
  await writeOnce(join(folder, STORES), STORE_SECRETS.map(name => `${name}=${madeSecret()}\n`).join(''))
  await write(folder, SECRETS, linesOf(await secretsOf(environment, folder)))
  const files = (await readdir(configDirectory)).filter(name => name.endsWith('.yaml')).sort()
  for (const file of files)
    await write(folder, join('config', file), await readFile(join(configDirectory, file), 'utf8'))
  const port = modelPort(environment)
  if (port !== undefined) await write(folder, MODELS, stringify(reachingModels(port)))
  const overlay = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(folder, join(import.meta.dirname, 'base')), ...(port === undefined ? [] : [MODELS])],
    ...(keda && { components: [relative(folder, join(import.meta.dirname, 'keda'))] }),
    configMapGenerator: [
      { name: 'lares-config', namespace: 'lares', files: files.map(file => `config/${file}`) },
      {
        name: 'lares-environment',
        namespace: 'lares',
        behavior: 'merge',
        literals: modelLiterals(environment),
      },
    ],
    secretGenerator: [
      { name: 'lares-secrets', namespace: 'lares', envs: [SECRETS] },
      { name: 'lares-store-secrets', namespace: 'lares', envs: [STORES] },
    ],
  }
  await write(folder, 'kustomization.yaml', stringify(overlay))
  return folder
}

const write = (folder: string, file: string, text: string) =>
  writeFile(join(folder, file), text, { mode: 0o600 })

async function secretsOf(environment: Environment, folder: string): Promise<Record<string, string>> {
  const { home, token, provider, masterKey, openai } = environment
  const { POSTGRES_PASSWORD, ...shared } = parseEnv(await readFile(join(folder, STORES), 'utf8'))
  await mkdir(join(home, 'provider'), { recursive: true, mode: 0o700 })
  const kept = async (file: string) => {
    await writeOnce(file, madeSecret())
    return (await readFile(file, 'utf8')).trim()
  }
  return {
    ...shared,
    DATABASE_URL: `postgres://lares:${POSTGRES_PASSWORD}@timescaledb.lares.svc:5432/lares`,
    // Where the lares command on this machine looks for them.
    LARES_TOKEN: token ?? (await kept(join(home, 'token'))),
    PROVIDER_PASSWORD: provider.password ?? (await kept(join(home, 'provider', 'password'))),
    ...(masterKey && { LARES_MASTER_KEY: await masterKeyOf(masterKey) }),
    ...(openai?.apiKey && { OPENAI_API_KEY: openai.apiKey }),
  }
}

async function masterKeyOf(from: NonNullable<Environment['masterKey']>): Promise<string> {
  if ('text' in from) return from.text
  return (await textsOrMade(masterKeysIn(from.file))).join(',')
}

const modelLiterals = ({ openai, model, embeddingModel }: Environment): string[] =>
  Object.entries({
    OPENAI_BASE_URL: openai?.baseUrl,
    LARES_MODEL: model,
    LARES_EMBEDDING_MODEL: embeddingModel,
  })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)

function modelPort({ openai }: Environment): number | undefined {
  if (!openai) return undefined
  const { hostname, port, protocol } = new URL(openai.baseUrl)
  if (/^(localhost|127\.|\[::1\])/.test(hostname))
    throw new LaresError(
      'invalid_config',
      `OPENAI_BASE_URL is ${openai.baseUrl}, which in a pod is the pod itself: name the machine as the cluster sees it`,
    )
  return Number(port || (protocol === 'https:' ? 443 : 80))
}

/** Functions that declare nothing reach the model server too, wherever it is, by its port. */
const reachingModels = (port: number) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'models', namespace: 'openfaas-fn' },
  spec: {
    podSelector: { matchExpressions: [{ key: 'lares.dev/egress', operator: 'DoesNotExist' }] },
    policyTypes: ['Egress'],
    egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port, protocol: 'TCP' }] }],
  },
})

const linesOf = (pairs: Record<string, string>): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
