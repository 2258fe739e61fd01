/**
 * The wait in milliseconds that a `Retry-After` header asks for. The header holds seconds or a date (RFC 9110, section
 * 10.2.3). Undefined for a missing or malformed header.
 */
export function parseRetryAfterMs(
  header: string | string[] | null | undefined,
  nowMs: number = Date.now(),
): number | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined
  const ms = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
