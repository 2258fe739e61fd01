import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import * as z from 'zod'
import { LaresError } from '../base/errors.ts'
import type { Environment } from '../config/environment.ts'
import { type FunctionSource, parseTopics, readStack } from '../contract/stack.ts'
import { findOwnSkills } from './own-skills.ts'

const REQUEST_TIMEOUT_MS = 5_000

const functionListSchema = z.array(
  z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).nullish() }),
)

/**
 * Reads the functions from OpenFaaS's REST API, and their topics from the annotations; each refresh reads them again.
 * Works with Lares's own provider and with OpenFaaS. Errors: `unavailable`, `unauthorized`.
 */
export function providerSource(url: string, password: () => Promise<string>): FunctionSource {
  return async () =>
    (await listFunctions(url, await password())).map(({ name, annotations }) => ({
      name,
      topics: parseTopics(annotations.topic),
    }))
}

/** The answer of `GET /system/functions` of OpenFaaS's REST API. Errors: `unavailable`, `unauthorized`. */
export async function listFunctions(
  url: string,
  password: string,
): Promise<{ name: string; annotations: Record<string, string> }[]> {
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  const response = await request(`${url}/system/functions`, {
    headers: { authorization },
    headersTimeout: REQUEST_TIMEOUT_MS,
    bodyTimeout: REQUEST_TIMEOUT_MS,
  }).catch(cause => {
    throw new LaresError('unavailable', `OPENFAAS_URL ${url} does not answer: ${cause.message}`, { cause })
  })
  const text = await response.body.text()
  if (response.statusCode === 401)
    throw new LaresError('unauthorized', `${url} does not take the password; set PROVIDER_PASSWORD`)
  if (response.statusCode !== 200)
    throw new LaresError('unavailable', `${url} answered ${response.statusCode}: ${text.slice(0, 200)}`)
  return functionListSchema
    .parse(JSON.parse(text))
    .map(({ name, annotations }) => ({ name, annotations: annotations ?? {} }))
}

export type FunctionDirectory = {
  source: FunctionSource
  /** The URL to call a function at. Errors: `unavailable`. */
  urlOf(name: string): string
  /** False if the function's URL is unknown, so that only its connector can call it. */
  hasUrl(name: string): boolean
}

/**
 * The functions deployed through OPENFAAS_URL. Without OPENFAAS_URL: the functions of the stack file and the operator's
 * own skills, at LARES_FUNCTION_URLS.
 */
export function openFunctionDirectory(environment: Environment, stackFile: string): FunctionDirectory {
  const { openfaasUrl, functionUrls, skillFolders } = environment
  if (openfaasUrl !== undefined) {
    const url = openfaasUrl.replace(/\/$/, '')
    return {
      source: providerSource(url, () => readProviderPassword(environment)),
      urlOf: name => `${url}/function/${name}`,
      hasUrl: () => true,
    }
  }
  return {
    async source() {
      const stack = await readStack(stackFile)
      const own = await findOwnSkills(skillFolders, stack)
      // A skill whose folder was added after the start has no process yet.
      return [...stack, ...own.filter(({ name }) => functionUrls.has(name))]
    },
    hasUrl: name => functionUrls.has(name),
    urlOf(name) {
      const url = functionUrls.get(name)
      if (url) return url
      throw new LaresError('unavailable', `LARES_FUNCTION_URLS does not say where "${name}" is`)
    },
  }
}

/** The configured password, or the one that the provider on this machine has generated. */
export async function readProviderPassword({ provider, dataDirectory }: Environment): Promise<string> {
  if (provider.password !== undefined) return provider.password
  const file = join(dataDirectory, 'provider', 'password')
  return await readFile(file, 'utf8').catch(cause => {
    throw new LaresError('unauthorized', `set PROVIDER_PASSWORD: there is no ${file} to take it from`, {
      cause,
    })
  })
}
