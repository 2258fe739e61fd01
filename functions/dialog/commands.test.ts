import { expect, test } from 'vitest'
import { parseCommand } from './commands.ts'
import { openTestConversation, prompts, replies } from './talk.fixture.ts'

const textOf = (drafts: Parameters<typeof replies>[0]) => replies(drafts)[0]?.text

test.each([
  ['/help', 'help'],
  [' /STOP ', 'stop'],
  ['/new please', 'new'],
  ['/帮助', '帮助'],
  ['/etc/hosts has a typo', undefined],
  ['/', undefined],
  ['what does /help do?', undefined],
  ['1/2', undefined],
])('%j is the command %s', (text, command) => {
  expect(parseCommand(text)).toBe(command)
})

test('/help tells what the assistant can do, with its skills, in the language of the person', () => {
  const talk = openTestConversation()
  expect(textOf(talk.say('m1', '/help'))).toContain('- time: Does time.')
  expect(textOf(talk.say('m2', '/help', { language: 'zh' }))).toContain('我是 Lares')
  expect(talk.status('m1')).toBe('answered')
})

test('/help after a message that told its language is in that language', () => {
  const talk = openTestConversation()
  talk.say('m1', '你好，我叫安娜', { language: 'zh' })
  talk.generated('m1', '你好！')
  expect(textOf(talk.say('m2', '/help'))).toContain('我是 Lares')
  talk.say('m3', 'what is the capital of Peru?')
  talk.generated('m3', 'Lima.')
  expect(textOf(talk.say('m4', '/help'))).toContain('I am Lares')
})

test('a command is answered at once while a turn runs, and does not disturb it', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  expect(replies(talk.say('m2', '/help'))).toMatchObject([{ inReplyTo: 'm2', status: 'completed' }])
  expect(replies(talk.generated('m1', 'One!'))).toMatchObject([{ inReplyTo: 'm1', text: 'One!' }])
})

test('nobody learns from commands', () => {
  expect(replies(openTestConversation().say('m1', '/new'))).toMatchObject([{ question: '' }])
})

test('an unknown command is named, and /help with it', () => {
  const text = textOf(openTestConversation().say('m1', '/fly'))
  expect(text).toContain('/fly')
  expect(text).toContain('/help')
})

test.each(['constructor', 'toString', '__proto__'])('/%s is no command', name => {
  expect(textOf(openTestConversation().say('m1', `/${name}`))).toMatch(/no command|\/help/)
})

test('/new forgets what was said before, and what is being said now', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.generated('m1', 'One!')
  talk.say('m2', 'two')
  talk.say('m3', '/new')
  talk.generated('m2', 'Two!')
  const [prompt] = prompts(talk.say('m4', 'four'))
  expect(prompt!.messages.map(({ role }) => role)).toEqual(['system', 'user'])
})

test('/stop ends the turn and all that waits, and each message hears of it', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.say('m2', 'two')
  talk.say('m3', 'three')
  const drafts = talk.say('m4', '/stop')
  expect(replies(drafts).map(({ inReplyTo, status }) => [inReplyTo, status])).toEqual([
    ['m1', 'interrupted'],
    ['m2', 'interrupted'],
    ['m3', 'interrupted'],
    ['m4', 'completed'],
  ])
  expect(talk.state.turn).toBeNull()
  expect(talk.generated('m1', 'One!')).toEqual([])
  expect(textOf(talk.say('m5', '/stop'))).toBe('Nothing is running.')
})

test('/status tells what is being done and how many wait', () => {
  const talk = openTestConversation()
  expect(textOf(talk.say('m0', '/status'))).toBe('Nothing is running.')
  talk.say('m1', 'what time is it?', { skill: 'time' })
  expect(textOf(talk.say('m2', '/status'))).toBe('At work: time.')
  talk.say('m3', 'two')
  expect(textOf(talk.say('m4', '/status', { language: 'zh' }))).toBe('正在使用：time。有 1 条消息在等待。')
  talk.returned('m1', 'm1/text', 'Noon.')
  expect(textOf(talk.say('m5', '/status'))).toBe('The language model is writing an answer.')
})
