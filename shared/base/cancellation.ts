import { LaresError } from './errors.ts'

/** The error of a generation whose signal ended it: the caller's own error when it is a LaresError. */
export function cancellationError(signal: AbortSignal): LaresError {
  if (signal.reason instanceof LaresError) return signal.reason
  return new LaresError('unavailable', 'the answer was cancelled before it was complete', {
    cause: signal.reason,
  })
}
