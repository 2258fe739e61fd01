import { expect, test } from 'vitest'
import { type ErrorCode, LaresError, toLaresError } from './errors.ts'

/** Callers retry these statuses (the design's function contract); every other refusal is final. */
const isRetried = (status: number) => status >= 500 || [408, 421, 425, 429].includes(status)

const codes: ErrorCode[] = [
  'invalid_event',
  'invalid_request',
  'invalid_config',
  'unauthorized',
  'forbidden',
  'not_found',
  'too_large',
  'unsupported_media_type',
  'misdirected',
  'unknown_type',
  'forgotten',
  'conflict',
  'key_reused',
  'rejected',
  'undeclared_event',
  'invalid_result',
  'busy',
  'failed',
  'unavailable',
  'deadline_exceeded',
]

test.each(codes)('the status of %s says whether to try again, whatever the error decides', code => {
  for (const details of [{}, { retryable: true }, { retryable: false }]) {
    const error = new LaresError(code, 'told', details)
    expect(isRetried(error.status)).toBe(error.retryable)
  }
})

test('whatever was thrown becomes an error with its reason, and one of ours stays as it is', () => {
  const ours = new LaresError('busy', 'later')
  expect(toLaresError(ours)).toBe(ours)
  const cause = new TypeError('no such thing')
  expect(toLaresError(cause)).toMatchObject({
    code: 'failed',
    message: 'no such thing',
    cause,
    retryable: true,
  })
  for (const thrown of [undefined, null, 7, 'text', {}, Symbol('x')])
    expect(toLaresError(thrown)).toMatchObject({ code: 'failed', message: String(thrown) })
})
