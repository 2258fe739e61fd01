import type { MessageRow } from '../gateway-client.ts'
import { dim, red, stripControlCharacters } from '../terminal.ts'
import type { StageUpdate, TextChunk } from './event-feed.ts'
import { createWordWrap } from './word-wrap.ts'

const ERASE_LINE = '\r\u001b[2K'

/** Shows a conversation on a terminal: the stage dimmed until the first word, then the words as they arrive. */
export type Screen = {
  showStage(stage: StageUpdate): void
  showChunk(chunk: TextChunk): void
  showReply(row: MessageRow): void
  /** A row that does not answer a message of this chat. */
  showOtherRow(row: MessageRow): void
  showNote(text: string): void
}

/** `columns` is the width of the terminal; without it lines are not broken. */
export function openScreen(
  write: (text: string) => void,
  columns: () => number | undefined = () => undefined,
): Screen {
  const wrap = createWordWrap(columns)
  let status = ''
  /** The reply in progress: its printed text, and all of its known text. */
  let current: { message: string; written: string; known: string } | undefined
  /** Another line has interrupted the reply, which continues below that line. */
  let isContinued = false

  const eraseStatus = () => {
    if (status !== '') write(ERASE_LINE)
    status = ''
  }
  /** Prints a line of its own, also in the middle of a reply. */
  const printLine = (text: string) => {
    eraseStatus()
    if (current && current.written !== '') {
      write(wrap.flush())
      if (!current.written.endsWith('\n')) write('\n')
      isContinued = true
    }
    writeWrapped(text)
  }
  /** Prints a complete text as a line of its own. */
  const writeWrapped = (text: string) => {
    wrap.startLine()
    write(`${wrap.push(text)}${wrap.flush()}\n`)
    wrap.startLine()
  }
  const appendText = (reply: NonNullable<typeof current>, known: string) => {
    reply.known = known
    if (!known.startsWith(reply.written) || known === reply.written) return
    eraseStatus()
    if (isContinued) write(`${dim('…')} `)
    isContinued = false
    write(wrap.push(known.slice(reply.written.length)))
    reply.written = known
  }
  return {
    showStage({ stage, skill, message }) {
      if (current?.message === message && current.written !== '') return
      eraseStatus()
      status = `${stage}${skill ? ` ${skill}` : ''}…`
      write(dim(stripControlCharacters(status)))
    },
    showChunk({ message, offset, text }) {
      // When two replies arrive at once, the screen shows the first as it arrives and the other when it is complete.
      current ??= { message, written: '', known: '' }
      if (current.message === message)
        appendText(current, stripControlCharacters(current.known.slice(0, offset) + text))
    },
    showReply({ inReplyTo, text, status }) {
      const reply = current?.message === inReplyTo ? current : undefined
      if (reply) appendText(reply, stripControlCharacters(text))
      if (reply && reply.written === stripControlCharacters(text)) {
        write(`${wrap.flush()}\n`)
        wrap.startLine()
      } else printLine(status === 'failed' ? red(stripControlCharacters(text)) : stripControlCharacters(text))
      if (!reply) return
      current = undefined
      isContinued = false
    },
    showOtherRow({ role, text }) {
      printLine(role === 'user' ? dim(`> ${stripControlCharacters(text)}`) : stripControlCharacters(text))
    },
    showNote: text => printLine(dim(text)),
  }
}
