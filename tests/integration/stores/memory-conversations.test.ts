import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { silentLogger } from '../../../shared/base/log.ts'
import { readEnvironment } from '../../../shared/config/environment.ts'
import { openDrivers } from '../../../shared/host/drivers.ts'
import { ask } from '../../support/conversation.ts'
import { builtInEmbeddings } from '../../support/embedding-model.ts'
import { type LaresInstance, startInstance } from '../../support/instance.ts'
import { type ModelServer, startModelServer } from '../../support/model-server.ts'

const folder = await builtInEmbeddings()

describe.skipIf(!folder)('a whole instance with the built-in embeddings', () => {
  let model: ModelServer
  let instance: LaresInstance
  beforeAll(async () => {
    model = await startModelServer()
    instance = await startInstance({
      kind: 'embedded',
      modelUrl: model.url,
      environment: { LARES_EMBEDDING_MODEL: '' },
    })
  }, 60_000)
  afterAll(async () => {
    await instance?.stop()
    await model?.close()
  })

  /** The prompt for a question in a conversation of its own. */
  async function promptFor(question: string): Promise<string> {
    await ask(instance, crypto.randomUUID(), question)
    return JSON.stringify(model.requests.at(-1)!.messages)
  }
  const vectorsOf = async (person: string) => {
    const drivers = openDrivers(readEnvironment({ LARES_HOME: instance.home }), silentLogger)
    try {
      const vectors = await drivers.vectors()
      const counts = (await vectors.models()).map(async one => (await vectors.index(one)).count(person))
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
    } finally {
      await drivers.close()
    }
  }

  test('a paraphrase, and a question in the other language, bring the memory to the model; restarts and forgetting hold', async () => {
    for (const fact of ['my bicycle lock code is 4711', 'I have two cats', '我对海鲜过敏'])
      await ask(instance, 'told', fact.startsWith('我') ? `记住${fact}` : `remember that ${fact}`)
    // The model is loaded behind the first questions.
    await vi.waitFor(
      async () =>
        expect(await promptFor('how do I open the thing that keeps my bike safe?')).toContain('4711'),
      { timeout: 60_000, interval: 500 },
    )
    expect(await promptFor('which animals live with me?')).toContain('two cats')
    expect(await promptFor('may I eat shrimps?')).toContain('海鲜')
    await instance.kill('embedded')
    await vi.waitFor(
      async () =>
        expect(await promptFor('how do I open the thing that keeps my bike safe?')).toContain('4711'),
      { timeout: 60_000, interval: 500 },
    )
    const before = await vectorsOf('owner')
    await ask(instance, 'told', 'forget my bicycle lock code')
    expect(await vectorsOf('owner')).toBe(before - 1)
    expect(await promptFor('how do I open the thing that keeps my bike safe?')).not.toContain('4711')
  }, 180_000)
})
