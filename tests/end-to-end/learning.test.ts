import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../support/conversation.ts'
import { type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { until } from '../support/until.ts'

let model: ModelServer
let instance: LaresInstance

beforeAll(async () => {
  model = await startModelServer()
  instance = await startInstance({ kind: 'embedded', modelUrl: model.url })
})
afterAll(async () => {
  await instance?.stop()
  await model?.close()
})

const askWhatIsKnown = (conversation: string) => ask(instance, conversation, 'what do you know about me?')

test('what a model finds in a message is known in other conversations, changes, and can be forgotten', async () => {
  // The stand-in for a model follows its prompt.
  const told =
    'we are painting the nursery yellow, call keep_notes {"notes":[{"text":"The nursery is yellow"}]}'
  expect(await ask(instance, 'desk', told)).toContain('echo: we are painting')
  await until(async () => (await askWhatIsKnown('sofa')).includes('- The nursery is yellow.') || undefined)
  const changed =
    'we painted it green after all, the nursery, call keep_notes {"notes":[{"text":"The nursery is green","replaces":1}]}'
  await ask(instance, 'desk', changed)
  await until(async () => (await askWhatIsKnown('sofa')).includes('- The nursery is green.') || undefined)
  expect(await askWhatIsKnown('sofa')).not.toContain('yellow')
  expect(await ask(instance, 'sofa', 'why did you say that?')).toContain('in another conversation')
  await ask(instance, 'sofa', 'forget about the nursery')
  await instance.kill('embedded')
  expect(await askWhatIsKnown('kitchen')).toContain('I know nothing about you yet')
}, 60_000)
