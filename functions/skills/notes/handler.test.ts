import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTestKit, type SkillRequestOptions, type TestKit } from '#shared/host/test-kit.ts'
import { chineseUtterances, englishUtterances } from '../../intent/development-set.fixture.ts'
import notes from './handler.ts'

let kit: TestKit
beforeEach(async () => {
  kit = await openTestKit()
})
afterEach(() => kit.close())

const answer = async (text: string, options?: SkillRequestOptions) =>
  (await kit.ask(notes, text, options)).text
const storedNotes = async (person = 'alice') =>
  (await kit.store.records.list({ collection: 'notes', person, limit: 99 })).map(({ text }) => text)

describe('the notes skill', () => {
  it.each([
    ['note that the meter reading is 4810', 'the meter reading is 4810'],
    ['take a note: the plumber comes on Friday', 'the plumber comes on Friday'],
    ['Note: dentist moved to Thursday', 'dentist moved to Thursday'],
    ['note to self: call the plumber', 'call the plumber'],
    ['hey can you make a note that the bins go out on Thursday please', 'the bins go out on Thursday'],
    ['could you jot down that the car needs oil?', 'the car needs oil'],
    ['write down the serial number is ABC-123', 'the serial number is ABC-123'],
    ['take this down: order number 998', 'order number 998'],
    ['I want to save a note: passport is in the drawer', 'passport is in the drawer'],
    ['add to my notes: buy milk', 'buy milk'],
    ['add milk to my notes', 'milk'],
    ['put this in my notes: the key is under the mat', 'the key is under the mat'],
    ['save a memo that Bob owes me 20 euros', 'Bob owes me 20 euros'],
    ['create a note called ideas: paint the fence', 'ideas: paint the fence'],
    ['noet that the tap drips', 'the tap drips'],
    ['take anote: buy bread', 'buy bread'],
    ['NOTE THAT THE DOG IS SICK', 'THE DOG IS SICK'],
    ['记一下：电表读数是4810', '电表读数是4810'],
    ['记一下，锅炉压力是1.5', '锅炉压力是1.5'],
    ['记下：牙医改到星期四', '牙医改到星期四'],
    ['帮我记一条笔记：问老王借帐篷', '问老王借帐篷'],
    ['请帮我记一下老王欠我二十块', '老王欠我二十块'],
    ['帮忙记个备忘：护照在抽屉里', '护照在抽屉里'],
    ['写一条笔记 门禁密码是12', '门禁密码是12'],
    ['笔记：房租一号交', '房租一号交'],
    ['把房租一号交记到笔记里', '房租一号交'],
    ['把这个写进笔记：垃圾星期四收', '垃圾星期四收'],
    ['备忘：给花浇水', '给花浇水'],
    ['记一下 buy new filters', 'buy new filters'],
    ['note that 房东星期二来', '房东星期二来'],
  ])('"%s" keeps "%s"', async (said, text) => {
    expect(await answer(said)).toContain(text)
    expect(await storedNotes()).toEqual([text])
  })

  it('keeps a note once when the event comes again', async () => {
    const again = { eventId: '0198c0de-0000-7000-8000-000000000001' }
    const first = await kit.ask(notes, 'note that it rains', again)
    expect(await kit.ask(notes, 'note that it rains', again)).toEqual(first)
    expect(await storedNotes()).toEqual(['it rains'])
  })

  it('lists and searches the notes of this person alone', async () => {
    await answer('note that the paint is grey')
    await answer('note that the landlord comes on Tuesday')
    await answer('note that the paint is red', { person: 'bob' })
    expect(await answer('show my notes')).toBe(
      'Your notes:\n- the landlord comes on Tuesday\n- the paint is grey',
    )
    expect(await answer('search my notes for paint')).toBe('- the paint is grey')
  })

  it('deletes the one note that is meant, and says the same when the event comes again', async () => {
    await answer('note that the paint is grey')
    await answer('note that the landlord comes on Tuesday')
    const again = { eventId: '0198c0de-0000-7000-8000-000000000002' }
    const first = await kit.ask(notes, 'delete the note about the landlord', again)
    expect(first.text).toBe('Deleted the note: the landlord comes on Tuesday')
    expect(await kit.ask(notes, 'delete the note about the landlord', again)).toEqual(first)
    expect(await storedNotes()).toEqual(['the paint is grey'])
  })

  it('asks which one when several match alike, and deletes none', async () => {
    await answer('note that the paint of the door is grey')
    await answer('note that the paint of the roof is red')
    expect(await answer('delete the note about the paint')).toContain('Which one')
    expect(await storedNotes()).toHaveLength(2)
  })

  it.each(['the first one', 'the roof', '1', 'roof is red', '第一条'])(
    'asked which one, "%s" is an answer, and the same when the event comes again',
    async said => {
      await answer('note that the paint of the door is grey')
      await answer('note that the paint of the roof is red')
      const { text, asks } = await kit.ask(notes, 'delete the note about the paint')
      expect(text).toBe(
        'Which one shall I delete?\n1. the paint of the roof is red\n2. the paint of the door is grey',
      )
      const again = { asked: asks!.asked, eventId: '0198c0de-0000-7000-8000-000000000004' }
      const first = await kit.ask(notes, said, again)
      expect(first.text).toMatch(/^(Deleted the note: |已删除笔记：)the paint of the roof is red$/)
      expect(await kit.ask(notes, said, again)).toEqual(first)
      expect(await storedNotes()).toEqual(['the paint of the door is grey'])
      expect(await kit.ask(notes, 'what is the weather?', again)).toMatchObject({ status: 'declined' })
    },
  )

  it.each([
    'show notes',
    'my notes',
    "what's in my notes?",
    'read my notes to me',
    'what notes have I got?',
    '看看我的笔记',
    '我记了些什么？',
    '我的笔记有哪些',
  ])('"%s" lists them, the newest first', async said => {
    await answer('note that one', { saidAt: '2026-03-27T09:00:00.000Z' })
    await answer('note that two', { saidAt: '2026-03-27T09:00:01.000Z' })
    expect(await answer(said)).toMatch(/[:：]\n- two\n- one$/)
  })

  it.each([
    ['search notes for dogs', 'the dog is sick'],
    ['what did I write down about the gate?', 'gate code 12'],
    ['find gate in my notes', 'gate code 12'],
    ['do my notes mention the dog?', 'the dog is sick'],
    ['any notes about the gate?', 'gate code 12'],
    ['where is my note about the passport', '护照 passport 在抽屉里'],
    ['笔记里有护照吗', '护照 passport 在抽屉里'],
    ['我记过关于护照的笔记吗', '护照 passport 在抽屉里'],
    ['查一下笔记里的护照', '护照 passport 在抽屉里'],
    ['有没有关于护照的笔记？', '护照 passport 在抽屉里'],
  ])('"%s" finds "%s"', async (said, text) => {
    for (const note of ['the dog is sick', 'gate code 12', '护照 passport 在抽屉里'])
      await answer('hm', { input: { action: 'add', text: note } })
    expect(await answer(said)).toBe(`- ${text}`)
  })

  it.each([
    ['remove the dentist note', 'dentist on Thursday'],
    ['erase the note that says order number 998', 'order number 998'],
    ['delete my last note', '护照在抽屉里'],
    ['把护照的笔记删掉', '护照在抽屉里'],
    ['删掉最后一条笔记', '护照在抽屉里'],
  ])('"%s" deletes "%s"', async (said, text) => {
    const all = ['dentist on Thursday', 'order number 998', '护照在抽屉里']
    for (const [at, note] of all.entries())
      await answer('hm', { input: { action: 'add', text: note }, saidAt: `2026-03-27T09:00:0${at}.000Z` })
    expect(await answer(said)).toContain(text)
    expect((await storedNotes()).sort()).toEqual(all.filter(note => note !== text).sort())
  })

  it.each([
    'delete all my notes',
    'delete note',
    'delete the note about the',
    'delete the note about the green paint of the door',
    'delete the note about elephants',
    '删除所有笔记',
    '删除笔记',
  ])('deletes nothing because of "%s"', async said => {
    await answer('note that the paint of the door is grey')
    await answer('note that the paint of the roof is red')
    expect(await kit.ask(notes, said)).toMatchObject({ status: 'ok' })
    expect(await storedNotes()).toHaveLength(2)
  })

  it('keeps no more and nothing longer than it can', async () => {
    expect(await answer('hm', { input: { action: 'add', text: 'x'.repeat(4_001) } })).toContain('too long')
    expect(await answer(`note that ${'x'.repeat(9_000)}`)).toBe('')
    expect(await storedNotes()).toEqual([])
  })

  it('keeps what looks like commands, markup and queries as it was said', async () => {
    for (const text of ['" OR 1=1 --', '<script>alert(1)</script>', 'NEAR(a b) AND *', '{{x}} <%= y %>']) {
      await answer('hm', { input: { action: 'add', text } })
      expect(await storedNotes()).toContain(text)
      expect(await kit.ask(notes, 'hm', { input: { action: 'search', text } })).toMatchObject({
        status: 'ok',
      })
    }
  })

  it('reads what was made to take long as quickly', async () => {
    for (const part of [
      'note ',
      'please ',
      'add to my notes ',
      '笔记',
      '记一下',
      'the of ',
      'notes about ',
      ' ',
    ]) {
      const started = performance.now()
      await kit.ask(notes, `show ${part.repeat(7_900 / part.length)}`)
      expect(performance.now() - started, part).toBeLessThan(2_000)
    }
  })

  it('declines whatever is not about notes', async () => {
    for (const text of [englishUtterances, chineseUtterances].flatMap(
      ({ none, time, calculator, reminder }) => [...none, ...time, ...calculator, ...reminder],
    ))
      expect(await kit.ask(notes, text), text).toMatchObject({ status: 'declined' })
  })
})
