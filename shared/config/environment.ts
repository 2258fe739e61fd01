import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import { existsSync } from '../base/node-fs.ts'
import { isSecretName } from './issues.ts'

/**
 * Lares creates a schema only where its variable is set. Most variables are unset, and all schemas together take 8 ms
 * of a start.
 */
type Variable<T> = { schema: () => z.ZodType<T>; unset: T }
const withDefault = <T>(schema: () => z.ZodType<T>, unset: NoInfer<T>): Variable<T> => ({ schema, unset })
const optional = <T>(schema: () => z.ZodType<T>): Variable<T | undefined> => ({ schema, unset: undefined })

/** Error texts follow "NAME must be". */
const wholeNumber =
  (min: number, max = Number.MAX_SAFE_INTEGER) =>
  (): z.ZodType<number> => {
    const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`
    const isInRange = (value: number) => Number.isInteger(value) && value >= min && value <= max
    return z
      .string()
      .refine(text => /^[+-]?\d+$/.test(text.trim()) && isInRange(Number(text)), `a whole number ${range}`)
      .transform(Number)
  }
const oneOf =
  <const T extends string>(...values: T[]) =>
  () =>
    z.enum(values, { error: `one of ${values.join(', ')}` })
const httpUrl = () => z.url({ protocol: /^https?$/, error: 'a URL, as in http://host:port' })
const text = () => z.string()
const secretOf = (minLength: number) => () =>
  z.string().min(minLength, `text of at least ${minLength} characters`)
const port = wholeNumber(0, 65_535)

const variables = {
  PORT: withDefault(port, 8080),
  HOST: withDefault(text, '127.0.0.1'),
  LARES_HOME: withDefault(text, '.lares'),
  LARES_CONFIG: withDefault(text, 'config'),
  SKILLS_PATH: withDefault(text, ''),
  LARES_TOKEN: optional(secretOf(16)),
  LARES_PROTECTION: withDefault(oneOf('on', 'off'), 'on'),
  LARES_MASTER_KEY_FILE: optional(text),
  LARES_MASTER_KEY: optional(text),
  LARES_BUS: withDefault(oneOf('sqlite', 'kafka'), 'sqlite'),
  KAFKA_BROKERS: withDefault(
    () => z.string().regex(/^[^,\s]+:\d+(,[^,\s]+:\d+)*$/, 'host:port, several with commas'),
    '127.0.0.1:9092',
  ),
  LARES_KAFKA_CLIENT: optional(oneOf('platformatic', 'kafkajs')),
  DATABASE_URL: optional(() =>
    z.url({ protocol: /^postgres(ql)?$/, error: 'a URL, as in postgres://user:password@host:port/database' }),
  ),
  DATABASE_POOL: withDefault(wholeNumber(1), 8),
  QDRANT_URL: optional(httpUrl),
  QDRANT_API_KEY: optional(text),
  S3_ENDPOINT: optional(httpUrl),
  S3_ACCESS_KEY: withDefault(text, ''),
  S3_SECRET_KEY: withDefault(text, ''),
  S3_BUCKET: withDefault(
    () =>
      z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
          'the name of a bucket: 3 to 63 lower-case letters, digits, dots and dashes',
        ),
    'lares',
  ),
  S3_COLD_CLASS: optional(text),
  LARES_COLD: optional(text),
  LARES_COLD_DAYS: withDefault(wholeNumber(1), 90),
  OPENAI_BASE_URL: optional(httpUrl),
  OPENAI_API_KEY: optional(text),
  LARES_MODEL: optional(text),
  LARES_EMBEDDING_MODEL: optional(text),
  LARES_CACHE: withDefault(text, join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lares')),
  LARES_LOG_LEVEL: withDefault(oneOf('debug', 'info', 'warn', 'error'), 'info'),
  LARES_FUNCTION_URLS: withDefault(
    () => z.string().regex(/^([a-z0-9-]+=https?:[^,\s]+(,|$))*$/, 'name=url, several with commas'),
    '',
  ),
  LARES_METRICS_PORT: optional(port),
  LARES_CONNECTOR_URL: optional(() => z.url({ protocol: /^http$/ })),
  LARES_URL: optional(httpUrl),
  OPENFAAS_URL: optional(httpUrl),
  PROVIDER_HOST: withDefault(text, '127.0.0.1'),
  PROVIDER_PORT: withDefault(port, 31_112),
  PROVIDER_PASSWORD: optional(secretOf(8)),
  PROVIDER_NODE_LABELS: withDefault(
    () => z.string().regex(/^([^=,\s]+=[^,\s]*(,|$))*$/, 'label=value, several with commas'),
    '',
  ),
  PROVIDER_SPARES: withDefault(wholeNumber(0, 16), 1),
  PROVIDER_NETWORK: optional(text),
  PROVIDER_PAUSED_MIB: withDefault(wholeNumber(0), 256),
}

type S3 = {
  endpoint: string
  accessKey: string
  secretKey: string
  bucket: string
  coldClass: string | undefined
}

/** The checked values of the environment variables; paths are absolute. */
export type Environment = {
  port: number
  host: string
  dataDirectory: string
  configDirectory: string
  /** Folders with the operator's own skills: those of SKILLS_PATH, then LARES_HOME/skills. */
  skillFolders: string[]
  token: string | undefined
  /**
   * The master key, as the path of its file or as its text. Undefined with LARES_PROTECTION=off: Lares then encrypts
   * nothing.
   */
  masterKey: { file: string } | { text: string } | undefined
  bus: 'sqlite' | 'kafka'
  kafkaBrokers: string[]
  kafkaClient: 'platformatic' | 'kafkajs' | undefined
  /** The PostgreSQL server for conversations, and the maximum number of connections of each process. */
  database: { url: string; poolSize: number } | undefined
  /** The Qdrant server for vectors. */
  qdrant: { url: string; apiKey: string | undefined } | undefined
  /**
   * The archive folder for objects that are files, and the number of days after which Lares archives objects, whatever
   * store holds them.
   */
  coldFolder: string | undefined
  coldDays: number
  /** The S3 service for objects. */
  s3: S3 | undefined
  openai: { baseUrl: string; apiKey: string | undefined } | undefined
  model: string | undefined
  /** A model of the server, or `none`; undefined means the built-in model. */
  embeddingModel: string | undefined
  /** The folder for downloads that several checkouts share. */
  cacheDirectory: string
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** The URL of each function, for a connector that calls functions over HTTP. */
  functionUrls: Map<string, string>
  /** The port on which the connector's own process serves its metrics; undefined: no port. */
  metricsPort: number | undefined
  /**
   * The URL at which the gateway asks for the connector's status. Undefined: the gateway reads the status that the
   * supervisor has written down, if any.
   */
  connectorUrl: string | undefined
  /** The URL at which the `lares` command finds the gateway. */
  gatewayUrl: string
  /** The URL of OpenFaaS's REST API, when functions are deployed through one. */
  openfaasUrl: string | undefined
  provider: {
    /** The address to listen on: this machine alone, except in a container. */
    host: string
    port: number
    /**
     * The password of the user admin. Undefined means the password that the provider has created in its data directory.
     */
    password: string | undefined
    /** The machine's labels for constraints, in addition to the labels of every machine. */
    nodeLabels: Map<string, string>
    /** The number of prewarmed runtimes. */
    prewarmed: number
    /** The Docker network that containers join; undefined means a network that the provider creates. */
    network: string | undefined
    /** The memory limit for paused containers, in bytes. */
    pausedBytes: number
  }
}

/** Reads the variables that Lares knows. Errors: `invalid_config`, which names each wrong variable. */
export function readEnvironment(given: NodeJS.ProcessEnv): Environment {
  const env = parseVariables(given)
  if (env.LARES_EMBEDDING_MODEL && env.LARES_EMBEDDING_MODEL !== 'none' && !env.OPENAI_BASE_URL) {
    const problem = 'LARES_EMBEDDING_MODEL names a model of the server at OPENAI_BASE_URL, which is not set'
    throw new LaresError('invalid_config', `the environment is wrong: ${problem}; or set it to none`)
  }
  if (env.LARES_MASTER_KEY && env.LARES_MASTER_KEY_FILE) {
    const problem = 'the master key is in LARES_MASTER_KEY or in LARES_MASTER_KEY_FILE, not in both'
    throw new LaresError('invalid_config', `the environment is wrong: ${problem}`)
  }
  return {
    port: env.PORT,
    host: env.HOST,
    dataDirectory: resolve(env.LARES_HOME),
    configDirectory: resolve(env.LARES_CONFIG),
    skillFolders: skillFoldersFrom(env),
    token: env.LARES_TOKEN,
    masterKey: masterKeyFrom(env),
    bus: env.LARES_BUS,
    kafkaBrokers: env.KAFKA_BROKERS.split(','),
    kafkaClient: env.LARES_KAFKA_CLIENT,
    database: env.DATABASE_URL ? { url: env.DATABASE_URL, poolSize: env.DATABASE_POOL } : undefined,
    qdrant: env.QDRANT_URL ? { url: env.QDRANT_URL, apiKey: env.QDRANT_API_KEY } : undefined,
    coldFolder: env.LARES_COLD ? resolve(env.LARES_COLD) : undefined,
    coldDays: env.LARES_COLD_DAYS,
    s3: env.S3_ENDPOINT
      ? {
          endpoint: env.S3_ENDPOINT,
          accessKey: env.S3_ACCESS_KEY,
          secretKey: env.S3_SECRET_KEY,
          bucket: env.S3_BUCKET,
          coldClass: env.S3_COLD_CLASS,
        }
      : undefined,
    openai: env.OPENAI_BASE_URL ? { baseUrl: env.OPENAI_BASE_URL, apiKey: env.OPENAI_API_KEY } : undefined,
    model: env.LARES_MODEL,
    embeddingModel: env.LARES_EMBEDDING_MODEL,
    cacheDirectory: resolve(env.LARES_CACHE),
    logLevel: env.LARES_LOG_LEVEL,
    functionUrls: new Map(parsePairs(env.LARES_FUNCTION_URLS)),
    metricsPort: env.LARES_METRICS_PORT,
    connectorUrl: env.LARES_CONNECTOR_URL,
    gatewayUrl: env.LARES_URL ?? `http://127.0.0.1:${env.PORT}`,
    openfaasUrl: env.OPENFAAS_URL,
    provider: {
      host: env.PROVIDER_HOST,
      port: env.PROVIDER_PORT,
      password: env.PROVIDER_PASSWORD,
      nodeLabels: new Map(parsePairs(env.PROVIDER_NODE_LABELS)),
      prewarmed: env.PROVIDER_SPARES,
      network: env.PROVIDER_NETWORK,
      pausedBytes: env.PROVIDER_PAUSED_MIB * 1024 * 1024,
    },
  }
}

type ParsedVariables = { [Name in keyof typeof variables]: (typeof variables)[Name]['unset'] }

/** An empty variable counts as unset, as people write it in Compose files. */
function parseVariables(given: NodeJS.ProcessEnv): ParsedVariables {
  const problems: string[] = []
  const read = ([name, { schema, unset }]: [string, Variable<unknown>]) => {
    if (!given[name]) return [name, unset]
    const { data, error } = schema().safeParse(given[name])
    const issue = error?.issues[0]
    const value = isSecretName(name) ? '' : ` is ${JSON.stringify(given[name])}, and`
    if (issue) problems.push(`${name}${value} must be ${issue.message}`)
    return [name, data]
  }
  const values = Object.fromEntries(Object.entries<Variable<unknown>>(variables).map(read))
  if (problems.length === 0) return values as ParsedVariables
  throw new LaresError('invalid_config', `the environment is wrong: ${problems.join('; ')}`)
}

/** A folder in SKILLS_PATH must exist. LARES_HOME/skills is optional. */
function skillFoldersFrom(env: ParsedVariables): string[] {
  const named = env.SKILLS_PATH.split(delimiter)
    .filter(folder => folder !== '')
    .map(folder => resolve(folder))
  const missing = named.find(folder => !existsSync(folder))
  if (missing !== undefined)
    throw new LaresError(
      'invalid_config',
      `SKILLS_PATH names ${missing}, which is not there: make that folder`,
    )
  return [...new Set([...named, resolve(env.LARES_HOME, 'skills')])]
}

function masterKeyFrom(env: ParsedVariables): Environment['masterKey'] {
  if (env.LARES_PROTECTION === 'off') return undefined
  if (env.LARES_MASTER_KEY) return { text: env.LARES_MASTER_KEY }
  return { file: resolve(env.LARES_MASTER_KEY_FILE ?? join(env.LARES_HOME, 'master.key')) }
}

const parsePairs = (list: string): [string, string][] =>
  list
    .split(',')
    .filter(pair => pair !== '')
    .map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
