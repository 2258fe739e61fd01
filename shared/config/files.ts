import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import { describeInput, explainIssue, isSecretName } from './issues.ts'

const assistantSchema = z.strictObject({
  name: z.string().min(1).max(64).default('Lares'),
  instructions: z.string().max(4_000).default('Answer briefly and truthfully.'),
  mode: z.enum(['queue', 'merge', 'interrupt']).default('queue'),
  maxSteps: z.int().min(1).max(50).default(6),
  maxWaiting: z.int().min(1).max(10_000).default(100),
})

/** The target to which Lares delivers replies: a webhook of Standard Webhooks, whose secrets have this form. */
const deliverySchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes'),
  url: z.url({ protocol: /^https?$/ }),
  secret: z.string().regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'whsec_ and 24 to 64 bytes in base64'),
  /** Delivers only this person's replies; default: all replies. */
  person: z.string().min(1).optional(),
  /** The gateway records a reply as undelivered after this many minutes of failed delivery. */
  giveUpAfterMinutes: z
    .number()
    .positive()
    .default(24 * 60),
})

const gatewaySchema = z.strictObject({
  /** The time zone for people whose client names none; default: the machine's. */
  timeZone: z.string().refine(isTimeZone, 'an IANA time zone, as in Europe/Berlin').optional(),
  /** People who may sign in besides the owner, each with a token. */
  people: z
    .array(
      z.strictObject({
        person: z
          .string()
          .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'lower-case letters, digits, dots and dashes'),
        token: z.string().min(16),
      }),
    )
    .refine(
      people => new Set(people.map(({ token }) => token)).size === people.length,
      'a list with a token of its own for each entry',
    )
    .refine(
      people => people.every(({ person }) => person !== 'owner'),
      'a list without "owner", who signs in with LARES_TOKEN',
    )
    .default([]),
  /** Groups of people. A group has conversations, a key, memory and documents of its own. */
  groups: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'lower-case letters, digits, dots and dashes'),
        /** `owner`, or names of `people`. */
        members: z.array(z.string().min(1)).min(1),
      }),
    )
    .refine(
      groups => new Set(groups.map(({ id }) => id)).size === groups.length,
      'a list with an id of its own for each group',
    )
    .default([]),
  /** Opens /metrics and nothing else, for a Prometheus that does not need the owner's token. */
  metricsToken: z.string().min(16).optional(),
  /** Origins of other web pages that may use the API from a browser, as in https://home.example. */
  allowedOrigins: z.array(z.url()).default([]),
  maxBodyBytes: z
    .int()
    .min(1_024)
    .max(64 * 1024 * 1024)
    .default(16 * 1024 * 1024),
  /**
   * The maximum numbers of messages without a reply: in one conversation, of one person, in all. The gateway refuses
   * further messages (429).
   */
  maxWaiting: z
    .strictObject({
      conversation: z.int().min(1).default(50),
      person: z.int().min(1).default(2_000),
      all: z.int().min(1).default(10_000),
    })
    .prefault({}),
  deliveries: z
    .array(deliverySchema)
    .default([])
    .refine(
      all => new Set(all.map(({ name }) => name)).size === all.length,
      'a list in which each delivery has a name of its own',
    ),
})

const configSchemas = { assistant: assistantSchema, gateway: gatewaySchema } as const

export const CONFIG_NAMES = ['assistant', 'gateway'] as const

export type AssistantConfig = z.infer<typeof assistantSchema>
export type GatewayConfig = z.infer<typeof gatewaySchema>
type ConfigOf<Name extends keyof typeof configSchemas> = z.infer<(typeof configSchemas)[Name]>

/**
 * Reads `NAME.yaml` of the configuration directory; a missing file means the defaults. Errors: `invalid_config`, which
 * names the file, the key and the likely intention.
 */
export function readConfig<Name extends keyof typeof configSchemas>(
  directory: string,
  name: Name,
): ConfigOf<Name> {
  const file = join(directory, `${name}.yaml`)
  const document = parseDocument(readIfExists(file) ?? '')
  const syntaxError = document.errors[0]
  if (syntaxError) throw new LaresError('invalid_config', `${file} is not YAML: ${syntaxError.message}`)
  const result = configSchemas[name].safeParse(document.toJS() ?? {}, { reportInput: true })
  if (result.success) return result.data as ConfigOf<Name>
  const problems = result.error.issues.map(issue =>
    describeIssue(issue, Object.keys(configSchemas[name].shape)),
  )
  throw new LaresError('invalid_config', `${file}: ${problems.join('; ')}`)
}

function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new LaresError('invalid_config', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function describeIssue(issue: z.core.$ZodIssue, known: string[]): string {
  const where = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return describeWrongValue(where || 'the file', issue)
  const keys = issue.keys.map(key => `"${where ? `${where}.` : ''}${key}"`).join(', ')
  return `unknown key ${keys}${issue.path.length === 0 ? `; known are ${known.join(', ')}` : ''}`
}

function describeWrongValue(where: string, issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined) return `"${where}" is missing`
  const value = isSecretName(where) ? undefined : describeInput(issue.input)
  const given = value === undefined ? '' : ` is ${value}, and`
  return `"${where}"${given} must be ${explainIssue(issue)}`
}

/** Errors: `invalid_config` when LARES_CONFIG names a missing folder. Without LARES_CONFIG, the defaults apply. */
export function requireConfigDirectory(directory: string, variables: NodeJS.ProcessEnv = process.env): void {
  if (!variables.LARES_CONFIG || existsSync(directory)) return
  throw new LaresError(
    'invalid_config',
    `LARES_CONFIG names ${directory}, and there is no such folder: make it, or correct LARES_CONFIG`,
  )
}

export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
