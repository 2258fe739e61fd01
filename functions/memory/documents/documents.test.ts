import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { webOrigin } from '#shared/contract/events/address.ts'
import { createRootEvent } from '#shared/contract/events/event.ts'
import type { EventData } from '#shared/contract/events/event-types.ts'
import { newId } from '#shared/contract/events/ids.ts'
import { openTestKit, type TestKit } from '#shared/host/test-kit.ts'
import { detectLanguage } from '#shared/language/detection.ts'
import type { Models } from '#shared/models/models.ts'
import { personFolder } from '#shared/objects/person-folder.ts'
import memory from '../handler.ts'
import { createPdf } from '../readers/files.fixture.ts'

let kit: TestKit
let nowMs: number

async function open() {
  kit = await openTestKit()
  nowMs = Date.parse('2026-03-27T09:00:00.000Z')
}
const close = () => kit.close()

type File = { name: string; mediaType?: string; data: Buffer | string }
type Say = { files?: File[]; person?: string; id?: string; skill?: string | null; time?: string }

/** Sends a message in the form that the gateway and intent give it. */
async function say(text: string, options: Say = {}): Promise<EventData<'lares.context.recalled'>> {
  const { files = [], person = 'alice', id = newId(), skill = null } = options
  nowMs += 60_000
  const saidAt = options.time ?? new Date(nowMs).toISOString()
  const attachments = await Promise.all(
    files.map(async ({ name, mediaType = 'application/octet-stream', data }, index) => {
      const object = `${personFolder(person)}attachments/${id}/${index}`
      const bytes = Buffer.from(data as string)
      if (!options.time) await kit.objects.put(object, bytes)
      return { name, mediaType, object, bytes: bytes.length }
    }),
  )
  const message = {
    person,
    text,
    attachments,
    ...webOrigin(person, 'talk'),
    language: detectLanguage(text),
    timeZone: 'UTC',
  }
  const intent = { skill, score: 1, candidates: [] }
  const event = { source: '/test', conversation: 'talk', type: 'lares.intent.recognised' } as const
  const [recalled] = await kit.send(
    memory,
    createRootEvent({ ...event, id, data: { message, saidAt, intent } }),
  )
  return recalled!.data as EventData<'lares.context.recalled'>
}

const answer = async (text: string, options?: Say) => (await say(text, options)).answer

async function objects(): Promise<number> {
  let count = 0
  for await (const _ of kit.objects.list('')) count++
  return count
}

const storedRecords = (collection: string) =>
  kit.store.records.list({ collection, person: 'alice', limit: 9 })

const LEASE = createPdf([
  'The rent is 700 euros a month, payable on the third working day.',
  'The deposit is 900 euros. It is paid back within six months after you move out.',
])
const lease = { name: 'lease.pdf', mediaType: 'application/pdf', data: LEASE }
const GUIDE =
  '# Boiler\n\nA heater for water.\n\n## Install\n\nTurn the valve clockwise until it clicks.\n\n## 清洁\n\n每三个月用醋清洗一次滤网。\n'
const guide = { name: 'guide.md', data: GUIDE }
const page = {
  name: 'hours.html',
  data: '<h1>Library</h1><h2>Opening hours</h2><p>Closed on Mondays.<script>x("Sundays")</script>',
}
const list = { name: 'list.txt', data: 'Milk.\n\nThe wifi network is called Nachtigall.\n' }

/** A model that can work with passages. */
const capableModels: Partial<Models> = {
  capabilities: async () => ({ model: 'm', tools: true, contextTokens: 8_000 }),
}

describe('a document that comes with a message', () => {
  beforeEach(open)
  afterEach(close)

  it('is read, kept and confirmed, in the language of the message', async () => {
    expect(await answer('', { files: [lease] })).toBe('I have read lease.pdf: 2 pages.')
    expect(await answer('这是说明书', { files: [guide] })).toBe('我读完了guide.md：共3节。')
    expect(await answer('here you are', { files: [page, list] })).toBe(
      'I have read hours.html: 2 sections.\nI have read list.txt: 3 lines.',
    )
  })

  it('is kept once, however often it comes and whatever it is called', async () => {
    const id = newId()
    const said = await answer('', { files: [lease], id })
    expect(await answer('', { files: [lease], id })).toBe(said)
    expect(await answer('', { files: [{ ...lease, name: 'copy.pdf' }] })).toBe(
      'I have copy.pdf already as lease.pdf: 2 pages.',
    )
    expect(await objects()).toBe(1)
    expect(await answer('which documents do you have?')).toBe(
      'Your documents:\n- lease.pdf (2 pages, 2026-03-27)',
    )
  })

  it('is kept once also when two messages bring it at once', async () => {
    const both = await Promise.all([answer('', { files: [list] }), answer('', { files: [list] })])
    expect(both.sort()).toEqual(['I have list.txt already: 3 lines.', 'I have read list.txt: 3 lines.'])
    expect(await objects()).toBe(1)
    expect(await storedRecords('passages')).toHaveLength(1)
  })

  it('that cannot be read is refused with what to do, and not kept', async () => {
    const files = [
      { name: 'locked.pdf', data: createPdf(['secret'], { encrypted: true }) },
      { name: 'half.pdf', data: LEASE.subarray(0, 300) },
      { name: 'scan.pdf', data: createPdf(['']) },
      { name: 'photo.jpg', mediaType: 'image/jpeg', data: Buffer.from([0xff, 0xd8]) },
    ]
    expect(await answer('', { files })).toBe(
      [
        'I cannot read locked.pdf: it is protected by a password. Send it without one.',
        'I cannot read half.pdf: it is damaged, or not what its name says.',
        'I cannot read scan.pdf: there is no text in it. If it is scanned, send it with its text recognised.',
        'I cannot read photo.jpg: I read PDF, HTML, Markdown and plain text.',
      ].join('\n'),
    )
    expect(await answer('list my documents')).toContain('no documents')
    expect(await objects()).toBe(1)
  })

  it('is asked about in the same message', async () => {
    expect(await answer('how high is the deposit?', { files: [lease] })).toBe(
      'I have read lease.pdf: 2 pages.\n\n“The deposit is 900 euros. It is paid back within six months after you move out.” (lease.pdf, page 2)',
    )
  })

  it('takes nothing away from a skill or from memory', async () => {
    expect(await say('remind me at eight', { files: [lease], skill: 'reminder' })).toEqual(
      expect.objectContaining({ notice: 'I have read lease.pdf: 2 pages.', memories: [] }),
    )
    expect(await answer('remember that my code is 4711', { files: [guide] })).toBe(
      'I have read guide.md: 3 sections.\n\nI will remember that your code is 4711.',
    )
  })
})

describe('a question', () => {
  beforeAll(async () => {
    await open()
    await say('', { files: [lease, guide, page, list] })
  })
  afterAll(close)

  it.each([
    ['how high is the deposit?', /900 euros.*\(lease\.pdf, page 2\)$/],
    ['When do I have to pay the rent?', /third working day\.” \(lease\.pdf, page 1\)$/],
    ['which way does the valve turn?', /clockwise.*\(guide\.md, § Install\)$/],
    ['is it closed on mondays?', /^“Closed on Mondays\.” \(hours\.html, § Opening hours\)$/],
    ['what is the wifi network called?', /Nachtigall.*\(list\.txt, line 1\)$/],
    ['滤网多久清洗一次？', /^“每三个月用醋清洗一次滤网。”（guide\.md，§ 清洁）$/],
    ['What does guide.md say about the valve?', /clockwise.*§ Install/],
    ['what is lease.pdf about?', /700 euros.*\(lease\.pdf, page 1\)$/],
  ])('%s is answered with the passage and where it stands', async (question, expected) => {
    expect(await answer(question)).toMatch(expected)
  })

  it("that the documents do not answer, that is a skill's, or is none, gets nothing of them", async () => {
    for (const text of ['who wrote Faust?', 'how are you?', 'good morning', 'what is the capital of France?'])
      expect(await say(text), text).toMatchObject({ memories: [] })
    expect(await answer('who wrote Faust?')).toBeUndefined()
    expect(await answer('how are you?')).toBeUndefined()
    expect(await answer('how high is the deposit?', { skill: 'notes' })).toBeUndefined()
  })

  it('of another person gets nothing', async () => {
    const recalled = await say('how high is the deposit in lease.pdf?', { person: 'bob' })
    expect(JSON.stringify(recalled)).not.toContain('900')
    expect(await answer('which documents do you have?', { person: 'bob' })).toContain('no documents')
    expect(await answer('forget the document lease.pdf', { person: 'bob' })).toContain('no documents')
    expect(await answer('how high is the deposit?')).toContain('900')
  })

  it('gives a model that can work with them the passages, within its budget', async () => {
    kit.services.models = { ...kit.services.models!, ...capableModels } as Models
    const { answer: said, passages } = await say('how high is the deposit?')
    expect(said).toBeUndefined()
    expect(passages![0]).toEqual({
      cite: '(lease.pdf, page 2)',
      text: 'The deposit is 900 euros. It is paid back within six months after you move out.',
    })
    const long = Array.from(
      { length: 300 },
      (_, n) => `Clause ${n}: the penalty is ${n} euros. ${'And so on. '.repeat(20)}`,
    )
    await say('', { files: [{ name: 'long.txt', data: long.join('\n\n') }] })
    const { passages: many } = await say('which penalty is due by clause 12?')
    expect(many!.length).toBeGreaterThan(3)
    expect(JSON.stringify(many).length).toBeLessThan(6_000)
    // The passages for a small model take at most a quarter of its context.
    kit.services.models = {
      ...kit.services.models!,
      capabilities: async () => ({ model: 'm', tools: true, contextTokens: 1_000 }),
    } as Models
    expect(JSON.stringify((await say('which penalty is due by clause 12?')).passages).length).toBeLessThan(
      1_000,
    )
  })
})

describe('forgetting a document', () => {
  beforeEach(open)
  afterEach(close)

  it.each([
    'forget document lease.pdf',
    'Delete the document "lease".',
    '把文档lease.pdf忘掉',
    'forget lease.pdf',
    'delete all my documents',
  ])('%s removes its passages and its bytes', async text => {
    const id = newId()
    await say('', { files: [lease], id })
    expect(await answer('how high is the deposit?')).toContain('900')
    expect(await answer(text)).toMatch(/forgotten lease\.pdf|忘掉了lease\.pdf/)
    expect(await answer('how high is the deposit?')).toBeUndefined()
    expect(await answer('which documents do you have?')).toContain('no documents')
    expect(await objects()).toBe(0)
    expect(await storedRecords('passages')).toEqual([])
    // The message that brought the document does not bring it back when it arrives again.
    expect(await answer('', { files: [lease], id, time: '2026-03-27T09:01:00.000Z' })).toContain(
      'I have read',
    )
    expect(await answer('how high is the deposit?')).toBeUndefined()
  })

  it('is done once: the same words come again forget nothing that came since', async () => {
    const id = newId()
    await say('', { files: [lease] })
    const said = await answer('forget document lease', { id })
    const time = new Date(nowMs).toISOString()
    await say('', { files: [lease] })
    expect(await answer('forget document lease', { id, time })).toBe(said)
    expect(await answer('how high is the deposit?')).toContain('900')
  })

  it('takes the bytes along that a message, sent once more by then, brings again', async () => {
    const id = newId()
    await say('', { files: [lease], id })
    await say('forget document lease')
    await say('', { files: [lease], id })
    expect(await objects()).toBe(0)
  })

  it('means one that was sent before and is read only meanwhile, and leaves nothing of it', async () => {
    const id = newId()
    await say('', { files: [lease] })
    const early = new Date(nowMs + 1).toISOString()
    const said = await answer('forget document lease', { id })
    const time = new Date(nowMs).toISOString()
    await kit.objects.put(`${personFolder('alice')}attachments/late/0`, LEASE)
    await say('', { files: [lease], id: 'late', time: early })
    expect(await answer('forget document lease', { id, time })).toBe(said)
    expect(await answer('which documents do you have?')).toContain('no documents')
    expect(await objects()).toBe(0)
    expect(await storedRecords('passages')).toEqual([])
  })

  it('stays done when a try that stood still until then goes on', async () => {
    const id = newId()
    const { records } = kit.store
    const reached = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const slow: typeof records.insert = async (collection, document) => {
      if (collection === 'library') {
        reached.resolve()
        await goOn.promise
      }
      return await records.insert(collection, document)
    }
    kit.services.records = { ...records, insert: slow }
    const first = say('', { files: [lease], id })
    await reached.promise
    kit.services.records = records
    await say('', { files: [lease], id })
    await say('forget document lease')
    goOn.resolve()
    await first
    expect(await answer('which documents do you have?')).toContain('no documents')
    expect(await objects()).toBe(0)
    expect(await storedRecords('passages')).toEqual([])
  })

  it('knows one that was kept before messages had passages of their own', async () => {
    const { records } = kit.store
    const [person, createdAt] = ['alice', '2026-03-26T09:00:00.000Z']
    const passage = { document: 'old', n: 0, place: { line: 1 }, led: 0 }
    await records.put('passages', {
      id: 'old/0',
      person,
      text: 'The attic is cold.',
      body: passage,
      createdAt,
    })
    const body = { kind: 'text', count: 1, passages: 1, object: 'old', at: createdAt }
    await records.put('library', { id: 'old', person, text: 'old.txt', body, createdAt })
    expect(await answer('what does old.txt say about the attic?')).toContain('The attic is cold.')
    expect(await answer('forget old.txt')).toBe('I have forgotten old.txt.')
    expect(await storedRecords('passages')).toEqual([])
  })

  it('asks which where several could be meant, and says when there is none of that name', async () => {
    await say('', { files: [lease, { name: 'lease garage.pdf', data: createPdf(['The garage is cold.']) }] })
    expect(await answer('forget the document')).toBe(
      'Which one shall I forget?\n1. lease garage.pdf\n2. lease.pdf',
    )
    expect(await answer('forget the document about tax')).toContain('no document')
    expect(await answer('forget the garage document')).toBe('I have forgotten lease garage.pdf.')
    expect(await answer('delete the note about lease.pdf')).toBeUndefined()
    expect(await answer('你有哪些文件？')).toBe('你的文档：\n- lease.pdf（2页，2026-03-27）')
  })

  it.each([
    ['the second one', 'I have forgotten lease.pdf.', ['lease garage.pdf']],
    ['lease.pdf', 'I have forgotten lease.pdf.', ['lease garage.pdf']],
    ['the garage one', 'I have forgotten lease garage.pdf.', ['lease.pdf']],
    ['第一个', '好的，我已经忘掉了lease garage.pdf。', ['lease.pdf']],
    ['both of them', 'I have forgotten lease garage.pdf, lease.pdf.', []],
    ['never mind', 'All right, I forget none of them.', ['lease garage.pdf', 'lease.pdf']],
  ])('takes "%s" for the answer to which', async (said, reply, left) => {
    await say('', { files: [lease, { name: 'lease garage.pdf', data: createPdf(['The garage is cold.']) }] })
    await answer('forget my document')
    const id = newId()
    expect(await answer(said, { id })).toBe(reply)
    expect(await answer(said, { id, time: new Date(nowMs).toISOString() })).toBe(reply)
    expect((await storedRecords('library')).map(({ text }) => text).sort()).toEqual(left)
  })
})
