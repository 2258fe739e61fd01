import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPdf } from '../../functions/memory/readers/files.fixture.ts'
import { ask, waitForReply } from '../support/conversation.ts'
import { type LaresInstance, startInstance } from '../support/instance.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'

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

async function uploadDocument(name: string, mediaType: string, bytes: Uint8Array): Promise<string> {
  const attachments = [{ name, mediaType, data: Buffer.from(bytes).toString('base64') }]
  const body = JSON.stringify({ conversation: 'desk', text: '', attachments })
  const { id } = (await (await instance.request('/api/messages', { method: 'POST', body })).json()) as {
    id: string
  }
  return (await waitForReply(instance, 'desk', id)).text
}

/** The passages that the model gets for a question, in a conversation without the documents. */
async function promptFor(question: string): Promise<string> {
  await ask(instance, crypto.randomUUID(), question)
  return JSON.stringify(model.requests.at(-1)!.messages)
}

test('documents of each kind are read, given to the model with their place in other conversations, outlive kill -9, and are forgotten', async () => {
  const markdown =
    '# House\\n\\n## Boiler\\n\\nThe boiler is in the cellar. Its service code is 7788.\\n'.replaceAll(
      '\\n',
      '\n',
    )
  const html =
    '<title>Pool</title><h1>Opening hours</h1><p>The pool opens at nine in winter.</p><script>alert(1)</script>'
  expect(await uploadDocument('house.md', 'text/markdown', Buffer.from(markdown))).toBe(
    'I have read house.md: 2 sections.',
  )
  expect(
    await uploadDocument(
      'lease.pdf',
      'application/pdf',
      createPdf(['The rent is 950 euros.', 'The notice period is three months.']),
    ),
  ).toBe('I have read lease.pdf: 2 pages.')
  expect(await uploadDocument('pool.html', 'text/html', Buffer.from(html))).toContain('I have read pool.html')
  expect(await uploadDocument('说明.txt', 'text/plain', Buffer.from('洗衣机的保修期是两年。'))).toContain(
    '说明.txt',
  )
  await instance.kill('embedded')
  const questions: [string, RegExp][] = [
    ['what is the service code of the boiler?', /house\.md, § Boiler.*7788/s],
    ['how long is the notice period?', /lease\.pdf, page 2.*three months/s],
    ['when does the pool open in winter?', /pool\.html, § Opening hours.*at nine/s],
    ['洗衣机的保修期是多久？', /说明\.txt.*两年/s],
  ]
  for (const [question, answer] of questions) expect(await promptFor(question)).toMatch(answer)
  expect(await ask(instance, 'sofa', 'forget the document lease.pdf')).toBe('I have forgotten lease.pdf.')
  expect(await promptFor('how long is the notice period?')).not.toContain('three months')
  expect(await ask(instance, 'sofa', 'which documents do you have?')).not.toContain('lease.pdf')
}, 120_000)
