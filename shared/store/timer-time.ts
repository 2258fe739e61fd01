import { LaresError } from '../base/errors.ts'

/**
 * A time as UTC with milliseconds. Times are compared as text, which requires four-digit years. Errors:
 * `invalid_request`.
 */
export function toUtc(time: string): string {
  const date = new Date(time)
  const year = date.getUTCFullYear()
  if (year >= 0 && year <= 9_999) return date.toISOString()
  throw new LaresError('invalid_request', `"${time}" is no time that a timer can wait for`)
}
