import { pino } from 'pino'
import type { Logger } from '../base/log.ts'

/** Fields with a place of their own in a line; all others go into `metadata`. */
const TOP_LEVEL_FIELDS = new Set(['service', 'trace_id'])

/**
 * A log of lines {timestamp, level, service, trace_id, message, metadata} on standard error: JSON, or text on a
 * terminal.
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
  return pino(options, destination).child({ service }) as unknown as Logger
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
