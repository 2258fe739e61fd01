import { type Logger as PinoLogger, pino } from 'pino'
import type { Logger } from '../base/log.ts'

/** Fields with a place of their own in a line; all others go into `metadata`. */
const TOP_LEVEL_FIELDS = new Set(['service', 'trace_id'])

/**
 * Writes lines {timestamp, level, service, trace_id, message, metadata} to standard error: as JSON, or as plain text where
 * standard error is a terminal.
 */
export function openLogger(service: string, level: string): Logger {
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: nestMetadata, bindings: nestMetadata },
  }
  const destination = process.stderr.isTTY
    ? { write: (line: string) => void process.stderr.write(formatForTerminal(line)) }
    : pino.destination({ fd: 2, sync: true })
  return loggerOf(pino(options, destination), { service })
}

/**
 * pino writes the fields of a child after those of its parent, so a field that both have would stand in a line twice. Each
 * child is therefore made from the root, with the fields merged.
 */
function loggerOf(root: PinoLogger, fields: object): Logger {
  const logger = root.child(fields)
  return {
    debug: (more, message) => logger.debug(more, message),
    info: (more, message) => logger.info(more, message),
    warn: (more, message) => logger.warn(more, message),
    error: (more, message) => logger.error(more, message),
    child: more => loggerOf(root, { ...fields, ...more }),
  }
}

function nestMetadata(fields: Record<string, unknown>): Record<string, unknown> {
  const topLevel: Record<string, unknown> = {}
  const metadata: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields))
    (TOP_LEVEL_FIELDS.has(key) ? topLevel : metadata)[key] =
      value instanceof Error ? pino.stdSerializers.err(value) : value
  return Object.keys(metadata).length > 0 ? { ...topLevel, metadata } : topLevel
}

function formatForTerminal(line: string): string {
  const { timestamp, level, service, message, metadata } = JSON.parse(line)
  const reason = metadata?.err?.message ? ` (${metadata.err.message})` : ''
  return `${timestamp.slice(11, 19)} ${level.padEnd(5)} ${service}: ${message}${reason}\n`
}
