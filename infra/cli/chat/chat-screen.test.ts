import { expect, test } from 'vitest'
import type { MessageRow } from '../gateway-client.ts'
import { openScreen } from './chat-screen.ts'

/** A screen and its visible lines, without those that were erased. */
function openTestScreen(columns?: number) {
  let text = ''
  const screen = openScreen(
    written => {
      for (const [index, part] of written.split('\r\u001b[2K').entries())
        text = (index === 0 ? text : text.slice(0, text.lastIndexOf('\n') + 1)) + part
    },
    () => columns,
  )
  return { screen, text: () => text }
}

const replyRow = (
  inReplyTo: string | null,
  text: string,
  status: MessageRow['status'] = 'completed',
): MessageRow => ({
  id: `to-${inReplyTo}`,
  role: 'assistant',
  text,
  inReplyTo,
  createdAt: '',
  status,
})

test('the stage is shown until the first word, and the words as they come', () => {
  const { screen, text } = openTestScreen()
  screen.showStage({ message: 'a', stage: 'thinking' })
  expect(text()).toBe('thinking…')
  screen.showChunk({ message: 'a', offset: 0, text: 'Good ' })
  screen.showStage({ message: 'a', stage: 'writing' })
  expect(text()).toBe('Good ')
  screen.showChunk({ message: 'a', offset: 5, text: 'day' })
  screen.showReply(replyRow('a', 'Good day.'))
  expect(text()).toBe('Good day.\n')
})

test('a chunk that comes again is written once, and one that repeats an earlier part too', () => {
  const { screen, text } = openTestScreen()
  screen.showChunk({ message: 'a', offset: 0, text: 'Good ' })
  screen.showChunk({ message: 'a', offset: 0, text: 'Good ' })
  screen.showChunk({ message: 'a', offset: 5, text: 'day' })
  screen.showReply(replyRow('a', 'Good day'))
  expect(text()).toBe('Good day\n')
})

test('a reply that became another than what was written stands whole on its own line', () => {
  const { screen, text } = openTestScreen()
  screen.showChunk({ message: 'a', offset: 0, text: 'Good d' })
  screen.showChunk({ message: 'a', offset: 0, text: 'Bad ' })
  screen.showReply(replyRow('a', 'Bad day'))
  expect(text()).toBe('Good d\nBad day\n')
})

test('another reply in the middle of one takes a line of its own, and the first one is marked where it goes on', () => {
  const { screen, text } = openTestScreen()
  screen.showChunk({ message: 'a', offset: 0, text: 'Good ' })
  screen.showReply(replyRow('b', 'Stopped.'))
  screen.showChunk({ message: 'a', offset: 5, text: 'day' })
  screen.showReply(replyRow('a', 'Good day'))
  expect(text()).toBe('Good \nStopped.\n… day\n')
})

test('what a model says cannot steer the terminal', () => {
  const { screen, text } = openTestScreen()
  screen.showChunk({ message: 'a', offset: 0, text: '\u001b]0;title\u0007' })
  screen.showReply(replyRow('a', '\u001b]0;title\u0007\u001b[2Jdone\n'))
  expect(text()).toBe(']0;title[2Jdone\n\n')
})

test('a reply is broken between words, while it streams and after a line that came in between', () => {
  const { screen, text } = openTestScreen(12)
  screen.showChunk({ message: 'a', offset: 0, text: 'I can help in a hos' })
  screen.showNote('> /status')
  screen.showChunk({ message: 'a', offset: 19, text: 'pital too' })
  screen.showReply(replyRow('a', 'I can help in a hospital too'))
  expect(text()).toBe('I can help\nin a hos\n> /status\n… pital too\n')
})
