import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../support/conversation.ts'
import { type House, startHouse } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { until } from '../support/until.ts'

let model: ModelServer
let house: House

beforeAll(async () => {
  model = await startModelServer()
  house = await startHouse({ kind: 'embedded', modelUrl: model.url })
})
afterAll(async () => {
  await house?.stop()
  await model?.close()
})

const known = (conversation: string) => ask(house, conversation, 'what do you know about me?')

test('what a model finds in a message is known in other conversations, changes, and can be forgotten', async () => {
  // The stand-in for a model does what its prompt tells it to.
  const told =
    'we are painting the nursery yellow, call keep_notes {"notes":[{"text":"The nursery is yellow"}]}'
  expect(await ask(house, 'desk', told)).toContain('echo: we are painting')
  await until(async () => (await known('sofa')).includes('- The nursery is yellow.') || undefined)
  const changed =
    'we painted it green after all, the nursery, call keep_notes {"notes":[{"text":"The nursery is green","replaces":1}]}'
  await ask(house, 'desk', changed)
  await until(async () => (await known('sofa')).includes('- The nursery is green.') || undefined)
  expect(await known('sofa')).not.toContain('yellow')
  expect(await ask(house, 'sofa', 'why did you say that?')).toContain('in another conversation')
  await ask(house, 'sofa', 'forget about the nursery')
  await house.kill('embedded')
  expect(await known('kitchen')).toContain('I know nothing about you yet')
}, 60_000)
