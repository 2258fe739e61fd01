import { LaresError } from './errors.ts'

/** What a generation throws when its signal ends it: the caller's own error when that is one of Lares. */
export function cancellationError(signal: AbortSignal): LaresError {
  if (signal.reason instanceof LaresError) return signal.reason
  return new LaresError('unavailable', 'the answer was cancelled before it was complete', {
    cause: signal.reason,
  })
}
