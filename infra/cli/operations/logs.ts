import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { readProviderPassword } from '../../../shared/host/function-directory.ts'
import { dim, print, stripControlCharacters } from '../terminal.ts'

export type LogFlags = { follow?: boolean; last: number }

const logLineSchema = z.object({ timestamp: z.string(), text: z.string() })

/**
 * Prints the log of a deployed function, from the provider at OPENFAAS_URL. Errors: `invalid_request` when no provider
 * runs the functions; `not_found`; `unavailable`.
 */
export async function logsCommand(
  environment: Environment,
  name: string,
  { follow = false, last }: LogFlags,
): Promise<number> {
  const url = environment.openfaasUrl?.replace(/\/$/, '')
  if (url === undefined)
    throw new LaresError(
      'invalid_request',
      'without a provider (OPENFAAS_URL) Lares writes its log to the standard error of the program that you started: look in its terminal, or in the journal of the service that runs it',
    )
  const query = new URLSearchParams({ name, tail: String(last), follow: String(follow) })
  const password = await readProviderPassword(environment)
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  const response = await fetch(`${url}/system/logs?${query}`, { headers: { authorization } }).catch(cause => {
    throw new LaresError('unavailable', `OPENFAAS_URL ${url} does not answer: ${cause.message}`, { cause })
  })
  if (!response.ok || !response.body)
    throw new LaresError(
      response.status === 404 ? 'not_found' : 'unavailable',
      `the provider gives no log of "${name}" (${response.status}): ${(await response.text()).slice(0, 200)}`,
    )
  for await (const line of createInterface({
    input: Readable.from(response.body.pipeThrough(new TextDecoderStream())),
  }))
    printLine(line)
  return 0
}

function printLine(line: string): void {
  if (line.trim() === '') return
  const { timestamp, text } = logLineSchema.parse(JSON.parse(line))
  print(`${dim(timestamp.slice(11, 19))} ${stripControlCharacters(text)}`)
}
