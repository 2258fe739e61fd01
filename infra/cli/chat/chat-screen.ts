import type { Row } from '../gateway-client.ts'
import { dim, harmless, red } from '../terminal.ts'
import type { Chunk, Stage } from './event-feed.ts'

const ERASE_LINE = '\r\u001b[2K'

/** Shows a conversation on a terminal: the stage dimly until the first word, then the words as they come. */
export type Screen = {
  stage(stage: Stage): void
  chunk(chunk: Chunk): void
  reply(row: Row): void
  /** What comes from elsewhere. */
  other(row: Row): void
  note(text: string): void
}

export function openScreen(write: (text: string) => void): Screen {
  let status = ''
  /** What was written of the reply under way, and all that is known of it. */
  let current: { message: string; written: string; known: string } | undefined

  const eraseStatus = () => {
    if (status !== '') write(ERASE_LINE)
    status = ''
  }
  /** A line of its own, also in the middle of a reply. */
  const line = (text: string) => {
    eraseStatus()
    if (current && current.written !== '' && !current.written.endsWith('\n')) write('\n')
    write(`${text}\n`)
  }
  const grow = (reply: NonNullable<typeof current>, known: string) => {
    reply.known = known
    if (!known.startsWith(reply.written) || known === reply.written) return
    eraseStatus()
    write(known.slice(reply.written.length))
    reply.written = known
  }
  return {
    stage({ stage, skill, message }) {
      if (current?.message === message && current.written !== '') return
      eraseStatus()
      status = `${stage}${skill ? ` ${skill}` : ''}…`
      write(dim(harmless(status)))
    },
    chunk({ message, offset, text }) {
      // Of two replies at once the first is shown as it comes, the other when it is whole.
      current ??= { message, written: '', known: '' }
      if (current.message === message) grow(current, harmless(current.known.slice(0, offset) + text))
    },
    reply({ inReplyTo, text, status }) {
      const reply = current?.message === inReplyTo ? current : undefined
      if (reply) grow(reply, harmless(text))
      if (reply && reply.written === harmless(text)) write('\n')
      else line(status === 'failed' ? red(harmless(text)) : harmless(text))
      if (reply) current = undefined
    },
    other({ role, text }) {
      line(role === 'user' ? dim(`> ${harmless(text)}`) : harmless(text))
    },
    note: text => line(dim(text)),
  }
}
