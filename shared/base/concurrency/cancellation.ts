import { LaresError } from '../errors.ts'

/** The error of a generation that a signal ended: the signal's own reason when it is a LaresError. */
export function cancellationError(signal: AbortSignal): LaresError {
  if (signal.reason instanceof LaresError) return signal.reason
  return new LaresError('unavailable', 'the answer was cancelled before it was complete', {
    cause: signal.reason,
  })
}
