import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import * as z from 'zod'
import { LaresError } from '../../../shared/base/errors.ts'
import { newId } from '../../../shared/contract/events/ids.ts'
import type { GatewayClient } from '../gateway-client.ts'
import { bold, dim, formatColumns, formatExactDuration, green, print, printJson, red } from '../terminal.ts'
import { generateMessages, type InjectedMessage, type InjectionProgress, inject } from './injection.ts'
import type { InjectionReport, MessageRef } from './injection-report.ts'

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

/** The number of messages that the report names for each kind of problem. */
const MAX_LISTED_MESSAGES = 10

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
        ? generateMessages({ ...flags, conversations: flags.conversations ?? 0 })
        : readMessages(file, flags.conversation),
    ratePerSecond: flags.rate,
    maxInFlight: flags.inFlight,
    timeoutMs: flags.timeout * 1_000,
    onProgress: createProgressPrinter(process.stderr),
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  if (flags.json) printJson(report)
  else printReport(report)
  return report.ok ? 0 : 1
}

const lineSchema = z.strictObject({
  conversation: z.string(),
  text: z.string(),
  atMs: z.number().nonnegative().optional(),
  key: z.string().optional(),
})

/** Reads lines of JSON or of plain text, and skips empty ones. Errors: `invalid_request`, naming the line. */
export async function* readMessages(
  file: string,
  conversation: string | undefined,
): AsyncGenerator<InjectedMessage> {
  const input: Readable = file === '-' ? process.stdin : createReadStream(file)
  const readFailure = Promise.withResolvers<never>()
  readFailure.promise.catch(() => undefined)
  input.once('error', error =>
    readFailure.reject(new LaresError('invalid_request', `${file} cannot be read: ${error.message}`)),
  )
  const run = newId()
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  for (let number = 1; ; number++) {
    const { value, done } = await Promise.race([lines.next(), readFailure.promise])
    if (done) return
    if (value.trim() === '') continue
    yield value.startsWith('{')
      ? parseLine(value, `${file}, line ${number}`)
      : { conversation: conversation ?? `inject-${run}-${number}`, text: value }
  }
}

function parseLine(text: string, where: string): InjectedMessage {
  try {
    return lineSchema.parse(JSON.parse(text))
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message
    throw new LaresError(
      'invalid_request',
      `${where} is no {"conversation", "text", "atMs"?, "key"?}: ${reason}`,
      { cause },
    )
  }
}

const TERMINAL_INTERVAL_MS = 100
const PIPE_INTERVAL_MS = 5_000

/** Updates one line on a terminal, and prints a line now and then elsewhere. */
function createProgressPrinter(stream: NodeJS.WriteStream): (progress: InjectionProgress) => void {
  const intervalMs = stream.isTTY ? TERMINAL_INTERVAL_MS : PIPE_INTERVAL_MS
  let shownAtMs = performance.now()
  return ({ sent, acknowledged, answered, retries }) => {
    if (performance.now() - shownAtMs < intervalMs) return
    shownAtMs = performance.now()
    const retried = retries > 0 ? `, ${retries} tries again` : ''
    const line = `${sent} sent, ${acknowledged} acknowledged, ${answered} answered${retried}`
    stream.write(stream.isTTY ? `\r\u001b[2K${dim(line)}` : `${line}\n`)
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
  for (const line of formatColumns(counts.map(([name, count]) => [name, String(count)]))) print(line)
  if (latencyMs) {
    const { p50, p95, p99, max } = latencyMs
    print(
      `latency  p50 ${formatExactDuration(p50)}  p95 ${formatExactDuration(p95)}  p99 ${formatExactDuration(p99)}  longest ${formatExactDuration(max)}`,
    )
  }
  for (const [reason, count] of Object.entries(reasons)) print(red(`refused ${count} times: ${reason}`))
  printAffectedMessages('missing', missing)
  printAffectedMessages('answered twice', duplicates)
  printAffectedMessages('out of order', outOfOrder)
  print(
    report.ok
      ? green(`all answered, once and in order, in ${formatExactDuration(durationMs)}`)
      : bold(red('not well')),
  )
}

function printAffectedMessages(what: string, messages: MessageRef[]): void {
  for (const { id, conversation } of messages.slice(0, MAX_LISTED_MESSAGES))
    print(red(`${what}: message ${id} of conversation ${conversation}`))
  if (messages.length > MAX_LISTED_MESSAGES)
    print(red(`${what}: and ${messages.length - MAX_LISTED_MESSAGES} more`))
}
