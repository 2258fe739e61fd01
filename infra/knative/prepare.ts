import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseEnv } from 'node:util'
import { stringify } from 'yaml'
import { LaresError } from '../../shared/base/errors.ts'
import type { Environment } from '../../shared/config/environment.ts'
import { masterKeysFromFile, readOrCreateMasterKeyTexts } from '../../shared/protection/master-key.ts'
import { generateSecret, writeIfAbsent } from '../setup/generated-secret.ts'

/** Passwords of the stores. Only Lares uses them, so it generates them. */
const STORE_SECRETS = ['POSTGRES_PASSWORD', 'QDRANT_API_KEY', 'S3_SECRET_KEY'] as const
const STORES_FILE = 'stores.env'
const SECRETS_FILE = 'secrets.env'
const MODELS_FILE = 'models.yaml'

/**
 * Writes an overlay of infra/knative/base to `LARES_HOME/cluster`, with everything that has no default there. This is
 * the passwords, the token, the master key, this machine's configuration files, and the address of the model server.
 * Secrets are created once, and existing ones stay. Returns the folder, for `kubectl apply --server-side -k`. Errors:
 * `invalid_config`.
 */
export async function prepareCluster(environment: Environment, { keda }: { keda: boolean }): Promise<string> {
  const { dataDirectory, configDirectory } = environment
  const folder = join(dataDirectory, 'cluster')
  await mkdir(join(folder, 'config'), { recursive: true, mode: 0o700 })
  await writeIfAbsent(
    join(folder, STORES_FILE),
    STORE_SECRETS.map(name => `${name}=${generateSecret()}\n`).join(''),
  )
  await writePrivateFile(folder, SECRETS_FILE, toEnvLines(await secretsOf(environment, folder)))
  const files = (await readdir(configDirectory)).filter(name => name.endsWith('.yaml')).sort()
  for (const file of files)
    await writePrivateFile(folder, join('config', file), await readFile(join(configDirectory, file), 'utf8'))
  const port = modelPort(environment)
  if (port !== undefined) await writePrivateFile(folder, MODELS_FILE, stringify(modelNetworkPolicy(port)))
  const overlay = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [
      relative(folder, join(import.meta.dirname, 'base')),
      ...(port === undefined ? [] : [MODELS_FILE]),
    ],
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
      { name: 'lares-secrets', namespace: 'lares', envs: [SECRETS_FILE] },
      { name: 'lares-store-secrets', namespace: 'lares', envs: [STORES_FILE] },
    ],
  }
  await writePrivateFile(folder, 'kustomization.yaml', stringify(overlay))
  return folder
}

const writePrivateFile = (folder: string, file: string, text: string) =>
  writeFile(join(folder, file), text, { mode: 0o600 })

async function secretsOf(environment: Environment, folder: string): Promise<Record<string, string>> {
  const { dataDirectory, token, provider, masterKey, openai } = environment
  const { POSTGRES_PASSWORD, ...storeSecrets } = parseEnv(await readFile(join(folder, STORES_FILE), 'utf8'))
  await mkdir(join(dataDirectory, 'provider'), { recursive: true, mode: 0o700 })
  const readOrCreateSecret = async (file: string) => {
    await writeIfAbsent(file, generateSecret())
    return (await readFile(file, 'utf8')).trim()
  }
  return {
    ...storeSecrets,
    DATABASE_URL: `postgres://lares:${POSTGRES_PASSWORD}@timescaledb.lares.svc:5432/lares`,
    // The lares command on this machine looks for them here.
    LARES_TOKEN: token ?? (await readOrCreateSecret(join(dataDirectory, 'token'))),
    PROVIDER_PASSWORD:
      provider.password ?? (await readOrCreateSecret(join(dataDirectory, 'provider', 'password'))),
    ...(masterKey && { LARES_MASTER_KEY: await masterKeyText(masterKey) }),
    ...(openai?.apiKey && { OPENAI_API_KEY: openai.apiKey }),
  }
}

async function masterKeyText(from: NonNullable<Environment['masterKey']>): Promise<string> {
  if ('text' in from) return from.text
  return (await readOrCreateMasterKeyTexts(masterKeysFromFile(from.file))).join(',')
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

/** Lets functions that do not declare their egress reach the model server too, at any address, by its port. */
const modelNetworkPolicy = (port: number) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'models', namespace: 'openfaas-fn' },
  spec: {
    podSelector: { matchExpressions: [{ key: 'lares.dev/egress', operator: 'DoesNotExist' }] },
    policyTypes: ['Egress'],
    egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port, protocol: 'TCP' }] }],
  },
})

const toEnvLines = (pairs: Record<string, string>): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
