import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import type { GatewayClient } from '../gateway-client.ts'
import { bold, columns, dim, duration, green, print, printJson, red } from '../terminal.ts'
import { inject, type Progress, type Simulated, simulated } from './injection.ts'
import type { InjectionReport, Place } from './injection-report.ts'

export type InjectFlags = {
  conversation?: string
  conversations?: number
  messages: number
  text: string
  rate?: number
  inFlight: number
  timeout: number
  json?: boolean
}

/** How many of each kind of trouble are named. */
const NAMED = 10

/** Resolves with the exit status: 0 only when every message was answered, once and in order. */
export async function injectCommand(
  client: GatewayClient,
  file: string | undefined,
  flags: InjectFlags,
): Promise<number> {
  if ((file === undefined) === (flags.conversations === undefined))
    throw new LaresError('invalid_request', 'name a file (- is the input), or --conversations with how many')
  const report = await inject({
    url: client.url,
    token: client.token,
    messages:
      file === undefined
        ? simulated({ ...flags, conversations: flags.conversations ?? 0 })
        : readMessages(file, flags.conversation),
    ratePerSecond: flags.rate,
    maxInFlight: flags.inFlight,
    timeoutMs: flags.timeout * 1_000,
    onProgress: progressOn(process.stderr),
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  if (flags.json) printJson(report)
  else printReport(report)
  return report.ok ? 0 : 1
}

const line = z.strictObject({
  conversation: z.string(),
  text: z.string(),
  atMs: z.number().nonnegative().optional(),
  key: z.string().optional(),
})

/** Lines of JSON or of plain text; empty ones are left out. Errors: `invalid_request`, naming the line. */
export async function* readMessages(
  file: string,
  conversation: string | undefined,
): AsyncGenerator<Simulated> {
  const input: Readable = file === '-' ? process.stdin : createReadStream(file)
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => undefined)
  input.once('error', error =>
    broken.reject(new LaresError('invalid_request', `${file} cannot be read: ${error.message}`)),
  )
  const run = newId()
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  for (let number = 1; ; number++) {
    const { value, done } = await Promise.race([lines.next(), broken.promise])
    if (done) return
    if (value.trim() === '') continue
    yield value.startsWith('{')
      ? parseLine(value, `${file}, line ${number}`)
      : { conversation: conversation ?? `inject-${run}-${number}`, text: value }
  }
}

function parseLine(text: string, where: string): Simulated {
  try {
    return line.parse(JSON.parse(text))
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message
    throw new LaresError(
      'invalid_request',
      `${where} is no {"conversation", "text", "atMs"?, "key"?}: ${reason}`,
      { cause },
    )
  }
}

/** A line that counts along, on a terminal; nothing elsewhere. */
function progressOn(stream: NodeJS.WriteStream): (progress: Progress) => void {
  let shownAtMs = 0
  return ({ sent, acknowledged, answered, retries }) => {
    if (!stream.isTTY || performance.now() - shownAtMs < 100) return
    shownAtMs = performance.now()
    const again = retries > 0 ? `, ${retries} tries again` : ''
    stream.write(
      `\r\u001b[2K${dim(`${sent} sent, ${acknowledged} acknowledged, ${answered} answered${again}`)}`,
    )
  }
}

function printReport(report: InjectionReport): void {
  const { latencyMs, durationMs, missing, duplicates, outOfOrder, reasons } = report
  const counts = [
    ['conversations', report.conversations],
    ['sent', report.sent],
    ['acknowledged', report.acknowledged],
    ['replied', report.replied],
    ['merged into a later reply', report.merged],
    ['interrupted', report.interrupted],
    ['failed, and said so', report.failed],
    ['refused', report.refused],
    ['missing', missing.length],
    ['answered twice', duplicates.length],
    ['out of order', outOfOrder.length],
    ['tries again', report.retries],
  ] as const
  for (const line of columns(counts.map(([name, count]) => [name, String(count)]))) print(line)
  if (latencyMs) {
    const { p50, p95, p99, max } = latencyMs
    print(
      `latency  p50 ${duration(p50)}  p95 ${duration(p95)}  p99 ${duration(p99)}  longest ${duration(max)}`,
    )
  }
  for (const [reason, count] of Object.entries(reasons)) print(red(`refused ${count} times: ${reason}`))
  name('missing', missing)
  name('answered twice', duplicates)
  name('out of order', outOfOrder)
  print(
    report.ok ? green(`all answered, once and in order, in ${duration(durationMs)}`) : bold(red('not well')),
  )
}

function name(what: string, places: Place[]): void {
  for (const { id, conversation } of places.slice(0, NAMED))
    print(red(`${what}: message ${id} of conversation ${conversation}`))
  if (places.length > NAMED) print(red(`${what}: and ${places.length - NAMED} more`))
}
