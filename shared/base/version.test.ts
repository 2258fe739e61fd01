import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LARES_VERSION, newerDataError } from './version.ts'

test('the version that marks data is that of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(LARES_VERSION).toBe(version)
})

test('the error for newer data names the data and the version that is needed', () => {
  const error = newerDataError({ what: 'the log bus.db', found: 3, known: 2, writer: '0.9.1' })
  expect(error).toMatchObject({ code: 'invalid_config', retryable: false })
  expect(error.message).toBe(
    'the log bus.db was written by a newer Lares (schema 3, this one knows 2): start Lares 0.9.1 or later; this start changed nothing',
  )
})
