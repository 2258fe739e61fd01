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

test('each that is wrong is named, with what it takes', () => {
  const wrong = { PORT: '70000', LARES_TOKEN: 'short', LARES_BUS: 'rabbit', DATABASE_URL: 'mysql://db' }
  const parts = Object.keys(wrong).map(name => `${name}: .+`)
  expect(() => readEnvironment(wrong)).toThrow(new RegExp(`^the environment is wrong: ${parts.join('; ')}$`))
  expect(() => readEnvironment(wrong)).toThrow('DATABASE_URL: postgres://user:password@host:port/database')
})
