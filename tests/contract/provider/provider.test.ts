import { openProviderFixture } from '../../support/provider.ts'
import { providerSuite } from './provider.suite.ts'

providerSuite('functions as processes', openProviderFixture, [
  [
    'an image that nothing here makes',
    { image: '127.0.0.1:5000/lares/unicorn:latest' },
    'there is no handler in functions/unicorn',
  ],
  [
    'a handler outside of the checkout',
    { annotations: { 'com.lares.handler': '../elsewhere' } },
    'is outside this checkout',
  ],
])
