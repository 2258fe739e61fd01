import { expect, test } from 'vitest'
import { LaresError } from '../../shared/base/errors.ts'
import type { LaresEvent } from '../../shared/contract/events/event.ts'
import { createInvocable } from '../../shared/contract/invoke.ts'
import { parrotFunction, skillRequestEvent } from '../../shared/contract/serve.fixture.ts'
import { openFolderObjects } from '../../shared/objects/folder.ts'
import { forDevelopment } from './development.ts'

/** Returns the log lines of `lares dev` after a handler throws this error, and the manifest that the connector gets. */
async function failWith(error: Error) {
  const messages: string[] = []
  const write = (_: object, message: string) => void messages.push(message)
  const log = { debug: write, info: write, warn: write, error: write, child: () => log }
  const failing = parrotFunction(() => {
    throw error
  })
  const objects = openFolderObjects('/nowhere')
  const invocable = forDevelopment(createInvocable(failing, { services: {}, objects, log }), log)
  const events = invocable.invoke(skillRequestEvent('hello') as unknown as LaresEvent)
  await expect(events.next()).rejects.toThrow(error.message)
  return { messages, retry: invocable.manifest.retry }
}

test('a failure is logged at its first attempt with file, line and stack, and is tried once more', async () => {
  const { messages, retry } = await failWith(new TypeError('boom'))
  expect(messages).toEqual([
    expect.stringMatching(/^parrot failed: TypeError: boom\n.*development\.test\.ts:\d+:\d+/),
  ])
  expect(retry).toEqual({ maxAttempts: 2 })
})

test('a server that is away is no failure of the author, and is not logged as one', async () => {
  expect((await failWith(new LaresError('unavailable', 'the model is away'))).messages).toEqual([])
})
