import { expect, test } from 'vitest'
import type { SkillManifest } from '#shared/contract/catalogue.ts'
import { openTestConversation, prompts, type RecalledOptions, skillManifest } from '../talk.fixture.ts'
import { selectTools } from './prompt.ts'

const promptFor = (text: string, saying?: RecalledOptions) =>
  prompts(openTestConversation().say('m1', text, saying))[0]!

test('the system text has the name, the instructions and the time where the person is', () => {
  expect(promptFor('hello').messages[0]).toEqual({
    role: 'system',
    content:
      'You are a helpful AI assistant named Lares. Answer briefly.\nIt is Tuesday, 24 November 2026 at 13:00 (Europe/Berlin).',
  })
})

test('what memory recalled is in the system text, the most relevant as far as it fits', () => {
  const memory = (text: string, score: number) => ({
    id: text,
    text,
    score,
    createdAt: '2026-01-01T00:00:00Z',
  })
  const memories = [memory('likes tea', 0.2), memory('x'.repeat(700), 0.1), memory('has a cat', 0.9)]
  const { content } = promptFor('hello', { memories }).messages[0]!
  expect(content).toMatch(/Known about the user:\n- has a cat\n- likes tea$/)
})

test('the instructions of the caller are said last', () => {
  expect(promptFor('hello', { instructions: 'Speak like a pirate.' }).messages[0]!.content).toMatch(
    /\nSpeak like a pirate\.$/,
  )
})

test('files that cannot be read are named', () => {
  const attachments = [{ name: 'cat.png', mediaType: 'image/png', object: 'o', bytes: 1 }]
  expect(promptFor('look', { attachments }).messages.at(-1)!.content).toContain('"cat.png"')
})

test('the talk so far is repeated, the oldest left out first', () => {
  const talk = openTestConversation()
  for (let at = 0; at < 10; at++) {
    talk.say(`m${at}`, `question ${at}`)
    talk.generated(`m${at}`, `answer ${at}`)
  }
  const [prompt] = prompts(talk.say('m', 'and now?'))
  expect(prompt!.messages).toHaveLength(14)
  expect(prompt!.messages.slice(1, 3)).toEqual([
    { role: 'user', content: 'question 4' },
    { role: 'assistant', content: 'answer 4' },
  ])
})

test('a very long answer is cut in the next prompt, not left out', () => {
  const talk = openTestConversation()
  talk.say('m1', 'tell me a story')
  talk.generated('m1', 'once '.repeat(10_000))
  const [prompt] = prompts(talk.say('m2', 'shorter'))
  expect(prompt!.messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user'])
  expect(prompt!.messages[2]!.content).toHaveLength(2_000)
})

test('only answered questions are repeated', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.died('lares.prompt.composed', 'm1', { step: 0 })
  talk.say('m2', 'two')
  talk.say('m3', '/stop')
  expect(prompts(talk.say('m4', 'four'))[0]!.messages).toHaveLength(2)
})

test('a history that the caller brings takes the place of the talk so far, and begins with the person', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  talk.generated('m1', 'One!')
  const history = [
    { role: 'assistant' as const, text: 'Welcome!' },
    { role: 'user' as const, text: 'I am Ann.' },
    { role: 'assistant' as const, text: 'Hi Ann.' },
  ]
  const [prompt] = prompts(talk.say('m2', 'who am I?', { history }))
  expect(prompt!.messages.slice(1).map(({ content }) => content)).toEqual([
    'I am Ann.',
    'Hi Ann.',
    'who am I?',
  ])
})

test('a long history that waits is kept only as far as the prompt will repeat it', () => {
  const talk = openTestConversation()
  talk.say('m1', 'one')
  const history = Array.from({ length: 500 }, (_, at) => ({
    role: at % 2 ? ('assistant' as const) : ('user' as const),
    text: 'x'.repeat(500),
  }))
  talk.say('m2', 'two', { history })
  expect(JSON.stringify(talk.state).length).toBeLessThan(8_000)
})

const skillWithLongDescription = (name: string): SkillManifest => ({
  ...skillManifest(name),
  description: 'x'.repeat(400),
})

test('all skills are offered when they are small', () => {
  expect(
    selectTools([skillManifest('a'), skillManifest('b'), skillManifest('c')], []).map(({ name }) => name),
  ).toEqual(['a', 'b', 'c'])
})

test('of many skills those are offered that the message most likely wants', () => {
  const skills = ['a', 'b', 'c', 'd', 'e'].map(skillWithLongDescription)
  const candidates = [
    { skill: 'e', score: 0.9 },
    { skill: 'c', score: 0.4 },
  ]
  const offered = selectTools(skills, candidates)
  expect(offered.map(({ name }) => name)).toEqual(['c', 'e'])
})
