import { type Logger as PinoLogger, pino } from 'pino'
import { LaresError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'

/** Fields at the top level of a line; all others go into `metadata`. */
const TOP_LEVEL_FIELDS = new Set(['service', 'trace_id'])

/**
 * Writes lines {timestamp, level, service, trace_id, message, metadata} to standard error: as JSON, or as plain text if
 * standard error is a terminal.
 */
export function openLogger(service: string, level: string): Logger {
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: nestMetadata },
  }
  const destination = process.stderr.isTTY
    ? { write: (line: string) => void process.stderr.write(formatForTerminal(line)) }
    : pino.destination({ fd: 2, sync: true })
  return loggerOf(pino(options, destination), { service }, createWarningLimiter())
}

/** An unchanged warning is written again after this time at the earliest, with the number of suppressed ones. */
const REPEAT_INTERVAL_MS = 10_000
const MAX_REMEMBERED_WARNINGS = 200

type WarningLimiter = (key: string) => { isDue: boolean; suppressed: number }

/**
 * Limits repeated warnings. A full disk or an unreachable server makes every part warn at every attempt: many lines
 * just when there is no room for them. `now` returns milliseconds of a monotonic clock.
 */
export function createWarningLimiter(now: () => number = () => performance.now()): WarningLimiter {
  const known = new Map<string, { writtenAtMs: number; suppressed: number }>()
  return key => {
    const entry = known.get(key)
    if (entry && now() - entry.writtenAtMs < REPEAT_INTERVAL_MS) {
      entry.suppressed++
      return { isDue: false, suppressed: 0 }
    }
    known.delete(key)
    known.set(key, { writtenAtMs: now(), suppressed: 0 })
    if (known.size > MAX_REMEMBERED_WARNINGS) known.delete(known.keys().next().value!)
    return { isDue: true, suppressed: entry?.suppressed ?? 0 }
  }
}

/**
 * pino writes the fields of a child after those of its parent, so a line would have a common field twice. The fields
 * are therefore merged here, and passed with each line.
 */
function loggerOf(root: PinoLogger, fields: object, limiter: WarningLimiter): Logger {
  return {
    debug: (more, message) => root.debug({ ...fields, ...more }, message),
    info: (more, message) => root.info({ ...fields, ...more }, message),
    warn(more, message) {
      const all = { ...fields, ...more }
      const { isDue, suppressed } = limiter(warningKey(all, message))
      if (isDue) root.warn(suppressed > 0 ? { ...all, suppressed } : all, message)
    },
    error: (more, message) => root.error({ ...fields, ...more }, message),
    child: more => loggerOf(root, { ...fields, ...more }, limiter),
  }
}

/** Two warnings are the same if their messages and their errors' messages are: the other fields are ids and counts. */
const warningKey = (fields: { service?: unknown; err?: unknown }, message: string): string =>
  JSON.stringify([fields.service, message, fields.err instanceof Error ? fields.err.message : ''])

function nestMetadata(fields: Record<string, unknown>): Record<string, unknown> {
  const topLevel: Record<string, unknown> = {}
  const metadata: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields))
    (TOP_LEVEL_FIELDS.has(key) ? topLevel : metadata)[key] =
      value instanceof Error ? describeError(value) : value
  return Object.keys(metadata).length > 0 ? { ...topLevel, metadata } : topLevel
}

/** An unreachable server or a full disk is no fault of the code, so the stack would say nothing. */
function describeError(error: Error): object {
  const isEnvironmental =
    error instanceof LaresError && (error.code === 'unavailable' || error.code === 'busy')
  if (isEnvironmental) return { type: error.name, code: error.code, message: error.message }
  return pino.stdSerializers.err(error)
}

function formatForTerminal(line: string): string {
  const { timestamp, level, service, message, metadata } = JSON.parse(line)
  const errorMessage = metadata?.err?.message
  const reason = errorMessage && !message.includes(errorMessage) ? ` (${errorMessage})` : ''
  return `${timestamp.slice(11, 19)} ${level.padEnd(5)} ${service}: ${message}${reason}\n`
}
