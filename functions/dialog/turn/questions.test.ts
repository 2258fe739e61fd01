import { describe, expect, it } from 'vitest'
import {
  openTestConversation,
  prompts,
  replies,
  requests,
  skillManifest,
  type TestConversation,
} from '../talk.fixture.ts'

const skills = [
  { ...skillManifest('reminder'), title: { en: 'a reminder', zh: '提醒' } },
  { ...skillManifest('notes'), title: { en: 'your notes', zh: '笔记' } },
  skillManifest('time'),
  skillManifest('weather', false),
]
const openWithQuestion = () => {
  const talk = openTestConversation({ skills })
  const asked = talk.say('one', 'keep the dentist in mind for tomorrow', {
    skill: 'reminder',
    between: ['reminder', 'notes'],
    saidAt: '2026-11-24T11:58:00.000Z',
  })
  return { talk, asked }
}
const texts = (drafts: ReturnType<TestConversation['say']>) => replies(drafts).map(({ text }) => text)

describe('when two skills are close', () => {
  it('the person is asked which, by their titles, in their language', () => {
    const { talk, asked } = openWithQuestion()
    expect(texts(asked)).toEqual(['Did you mean a reminder or your notes?'])
    expect(asked).toHaveLength(1)
    expect(talk.status('one')).toBe('answered')
    const chinese = openTestConversation({ skills }).say('one', '记着明天看牙医', {
      language: 'zh',
      between: ['notes', 'reminder'],
    })
    expect(texts(chinese)).toEqual(['你是指“笔记”还是“提醒”？'])
  })

  it('a skill without a title is called by its name', () => {
    const asked = openTestConversation({ skills }).say('one', 'sun', { between: ['time', 'weather'] })
    expect(texts(asked)).toEqual(['Did you mean time or weather?'])
  })

  it.each([
    ['the first', 'reminder'],
    ['The first one, please.', 'reminder'],
    ['1', 'reminder'],
    ['a', 'reminder'],
    ['I meant a reminder', 'reminder'],
    ['reminders', 'reminder'],
    ['第一个', 'reminder'],
    ['前者吧', 'reminder'],
    ['我是说提醒', 'reminder'],
    ['B', 'notes'],
    ['the second', 'notes'],
    ['Second one!', 'notes'],
    ['the latter', 'notes'],
    ['my notes', 'notes'],
    ['the note', 'notes'],
    ['第二个。', 'notes'],
    ['后面那个', 'notes'],
    ['笔记', 'notes'],
  ])('"%s" goes on with the message that was asked about: %s', (answer, chosen) => {
    const { talk } = openWithQuestion()
    const [request, ...rest] = requests(talk.say('two', answer, { skill: 'time' }))
    expect(rest).toEqual([])
    expect(request).toMatchObject({
      type: `lares.skill.${chosen}.requested`,
      correlationid: 'two',
      data: {
        text: 'keep the dentist in mind for tomorrow',
        saidAt: '2026-11-24T11:58:00.000Z',
        input: null,
      },
    })
    expect(talk.state.question).toBeNull()
    const [reply] = replies(talk.returned('two', request!.data.callId, 'Done.'))
    expect(reply).toMatchObject({ text: 'Done.', answers: ['two'], question: answer })
    expect(talk.rows().map(({ text }) => text)).toContain(answer)
  })

  it('a skill that reads no words goes on with the model', () => {
    const talk = openTestConversation({ skills })
    talk.say('one', 'sun', { between: ['time', 'weather'] })
    const [prompt] = prompts(talk.say('two', 'the second'))
    expect(prompt!.messages.at(-1)).toEqual({ role: 'user', content: 'sun' })
  })

  it.each(['what time is it?', 'remind me at 6 to feed the cat', 'the third', 'no way'])(
    '"%s" is no answer, and drops the question',
    said => {
      const { talk } = openWithQuestion()
      const [request] = requests(talk.say('two', said, { skill: 'time' }))
      expect(request!.data).toMatchObject({ text: said })
      talk.returned('two', request!.data.callId, 'Five.')
      expect(requests(talk.say('three', 'the first'))).toEqual([])
    },
  )

  it.each(['never mind', 'Never mind.', 'forget it', 'oh, nevermind', '算了', '不用了。', '都不是'])(
    '"%s" ends it',
    said => {
      const { talk } = openWithQuestion()
      const drafts = talk.say('two', said, { language: /\p{Script=Han}/u.test(said) ? 'zh' : 'en' })
      expect(texts(drafts)[0]).toMatch(/never mind|算了/)
      expect(drafts).toHaveLength(1)
      expect(talk.state.question).toBeNull()
    },
  )

  it('a fresh start drops the question, and what memory answers too', () => {
    const { talk } = openWithQuestion()
    talk.say('two', '/new')
    expect(talk.state.question).toBeNull()
    const other = openWithQuestion().talk
    expect(texts(other.say('two', 'my code?', { answer: '4711' }))).toEqual(['4711'])
    expect(other.state.question).toBeNull()
  })

  it('is not asked when one of them is gone, or when several messages come at once', () => {
    const gone = openTestConversation({ skills: [skills[0]!] })
    expect(
      requests(gone.say('one', 'x', { skill: 'reminder', between: ['reminder', 'notes'] })),
    ).toHaveLength(1)
    const merging = openTestConversation({ skills, mode: 'merge' })
    merging.say('one', 'hello')
    merging.say('two', 'x', { skill: 'reminder', between: ['reminder', 'notes'] })
    merging.say('three', 'y')
    expect(prompts(merging.generated('one', 'Hi.'))).toHaveLength(1)
  })
})

describe('when a skill asks for more', () => {
  const asked = { text: 'feed the cat' }
  const waiting = (takesAnyWords = false) => {
    const talk = openTestConversation({ skills })
    const [request] = requests(talk.say('one', 'remind me to feed the cat', { skill: 'reminder' }))
    talk.returned('one', request!.data.callId, 'When?', 'ok', { asks: { asked, takesAnyWords } })
    return talk
  }

  it('it gets the next message with what it asked, whatever that seems to ask for', () => {
    const talk = waiting()
    const [request, ...rest] = requests(talk.say('two', 'at 5', { skill: 'time' }))
    expect(rest).toEqual([])
    expect(request).toMatchObject({
      type: 'lares.skill.reminder.requested',
      data: { callId: 'two/answer', text: 'at 5', input: null, asked },
    })
    expect(texts(talk.returned('two', 'two/answer', 'Set.'))).toEqual(['Set.'])
    expect(talk.state.question).toBeNull()
  })

  it('it may ask again', () => {
    const talk = waiting()
    talk.say('two', 'at 5')
    talk.returned('two', 'two/answer', 'Of what?', 'ok', { asks: { asked: { when: 'at 5' } } })
    const [request] = requests(talk.say('three', 'the cat'))
    expect(request!.data).toMatchObject({ text: 'the cat', asked: { when: 'at 5' } })
  })

  it('what it declines is what it seems to ask for, and the question is dropped', () => {
    const talk = waiting()
    talk.say('two', 'what time is it?', { skill: 'time' })
    const [other] = requests(talk.returned('two', 'two/answer', '', 'declined'))
    expect(other).toMatchObject({ type: 'lares.skill.time.requested', data: { callId: 'two/text' } })
    expect(other!.data).not.toHaveProperty('asked')
    talk.returned('two', 'two/text', 'Noon.')
    expect(prompts(talk.say('three', 'at 5'))).toHaveLength(1)
    const unknown = waiting()
    unknown.say('two', 'tell me a joke')
    expect(prompts(unknown.returned('two', 'two/answer', '', 'declined'))).toHaveLength(1)
  })

  it('where any words may answer, what another skill takes does not', () => {
    const [own] = requests(waiting(true).say('two', 'feed the cat'))
    expect(own!.type).toBe('lares.skill.reminder.requested')
    const [other] = requests(waiting(true).say('two', 'what time is it?', { skill: 'time' }))
    expect(other).toMatchObject({ type: 'lares.skill.time.requested', data: { callId: 'two/text' } })
  })

  it.each(['never mind', '算了'])('"%s" ends it', said => {
    expect(texts(waiting().say('two', said))).toHaveLength(1)
  })

  it('it is heard too when the model has called it', () => {
    const talk = openTestConversation({ skills })
    talk.say('one', 'the cat!')
    talk.generated('one', '', { calls: ['reminder'] })
    talk.returned('one', 'one/0/0', 'When?', 'ok', { asks: { asked } })
    talk.generated('one', 'When shall I?', { step: 1 })
    expect(requests(talk.say('two', 'at 5'))[0]!.data).toMatchObject({ text: 'at 5', asked })
  })

  it('what is too long to be kept is left out', () => {
    const talk = openTestConversation({ skills })
    talk.say('one', 'remind me', { skill: 'reminder' })
    talk.returned('one', 'one/text', 'When?', 'ok', { asks: { asked: { text: 'x'.repeat(5_000) } } })
    expect(talk.state.question).toBeNull()
  })
})
