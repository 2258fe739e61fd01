import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'

test('what is not set, or is empty, is as it is documented', () => {
  for (const given of [{}, { PORT: '', LARES_BUS: '', OPENAI_BASE_URL: '' }])
    expect(readEnvironment(given)).toMatchObject({
      port: 8080,
      bus: 'sqlite',
      openai: undefined,
      logLevel: 'info',
    })
})

test('what is set is read', () => {
  const given = { PORT: '0', LARES_BUS: 'kafka', KAFKA_BROKERS: 'a:1,b:2', PROVIDER_PAUSED_MIB: '0' }
  expect(readEnvironment({ ...given, SOMETHING_ELSE: 'x' })).toMatchObject({
    port: 0,
    bus: 'kafka',
    kafkaBrokers: ['a:1', 'b:2'],
    provider: { pausedBytes: 0 },
  })
})

test('each variable that is wrong is named, with its value and what it must be', () => {
  const messageOf = (variables: NodeJS.ProcessEnv) => {
    try {
      readEnvironment(variables)
    } catch (error) {
      return (error as Error).message
    }
    return undefined
  }
  expect(messageOf({ PORT: 'abc', LARES_BUS: 'rabbit' })).toBe(
    'the environment is wrong: PORT is "abc", and must be a whole number from 0 to 65535; LARES_BUS is "rabbit", and must be one of sqlite, kafka',
  )
  expect(messageOf({ PORT: '70000' })).toMatch('PORT is "70000", and must be a whole number from 0 to 65535')
  expect(messageOf({ DATABASE_POOL: '0' })).toMatch(
    'DATABASE_POOL is "0", and must be a whole number of 1 or more',
  )
  expect(messageOf({ QDRANT_URL: 'host:6333' })).toMatch('must be a URL, as in http://host:port')
})

test('a secret that is wrong is named without its value', () => {
  for (const [name, value] of Object.entries({
    LARES_TOKEN: 'short',
    DATABASE_URL: 'mysql://user:secret@db',
  })) {
    expect(() => readEnvironment({ [name]: value })).toThrow(`${name} must be `)
    expect(() => readEnvironment({ [name]: value })).not.toThrow(value)
  }
})
