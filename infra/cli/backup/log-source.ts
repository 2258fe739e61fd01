import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import { silentLogger } from '../../../shared/base/log.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { readConfig } from '../../../shared/config/files.ts'
import { openFunctionDirectory } from '../../../shared/host/function-directory.ts'
import { openRawBus } from '../../../shared/host/raw-drivers.ts'
import {
  type LogCopy,
  logPositionSchema,
  logRecordSchema,
  openLogCopy,
  parseLogPart,
} from '../../../shared/operations/log-copy.ts'
import { connectToGateway } from '../connection.ts'
import { errorFromResponse, type GatewayClient } from '../gateway-client.ts'
import { STACK_FILE } from '../operations/operations.ts'
import { fetchReadiness } from '../operations/readiness.ts'

export type LogSource = LogCopy & { close(): Promise<void> }

/** Reads the embedded log through a running gateway, which has the log open; otherwise it reads the log directly. */
export async function openLogSource(environment: Environment): Promise<LogSource> {
  const isRunning = await fetchReadiness(environment.gatewayUrl).then(
    () => true,
    () => false,
  )
  if (isRunning && environment.bus === 'sqlite') return gatewayLogSource(await connectToGateway(environment))
  const bus = await openRawBus(environment, silentLogger)
  const { source } = openFunctionDirectory(environment, STACK_FILE)
  const { deliveries } = readConfig(environment.configDirectory, 'gateway')
  const copy = openLogCopy({ bus, functions: source, deliveries: deliveries.map(({ name }) => name) })
  return { ...copy, close: bus.close }
}

const positionsSchema = z.object({ positions: z.array(logPositionSchema) })
const recordLineSchema = z.union([logRecordSchema, z.strictObject({ end: z.literal(true) })])

function gatewayLogSource(client: GatewayClient): LogSource {
  return {
    positions: async () => (await client.request('/api/backup/positions', positionsSchema)).positions,
    async *records() {
      const response = await client.fetch('/api/backup/records')
      if (!response.ok || !response.body) throw errorFromResponse(client.url, response, await response.text())
      const lines = createInterface({ input: Readable.fromWeb(response.body as ReadableStream) })
      for await (const text of lines) {
        const line = parseLogPart(recordLineSchema, text)
        if ('end' in line) return
        yield line
      }
      throw new LaresError('unavailable', 'the gateway stopped while its log was read: make the backup again')
    },
    close: async () => undefined,
  }
}
