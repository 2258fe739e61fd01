import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline'
import { Writable } from 'node:stream'

/** Lines that come this close after each other were pasted, and are one message. */
const PASTE_MS = 40

export type KeyboardEvents = {
  onMessage(text: string): void
  /** Ctrl-C. */
  onInterrupt(): void
  /** Ctrl-D, or `close`. */
  onEnd(): void
}

export type Keyboard = {
  /** Shows the prompt, with what was typed meanwhile. */
  show(): void
  /** Takes the prompt away; what is typed is kept, and not shown. */
  hide(): void
  /** Prints above the prompt. */
  above(print: () => void): void
  close(): void
}

/** The terminal's keyboard, with a line editor. */
export function openKeyboard(events: KeyboardEvents): Keyboard {
  let hidden = true
  const output = outputWhile(() => !hidden)
  const editor = createInterface({ input: process.stdin, output, terminal: true, prompt: '> ' })
  const paste = gatherLines(() => editor.line !== '', events.onMessage)
  editor.on('line', paste.add)
  editor.on('SIGINT', () => {
    paste.drop()
    events.onInterrupt()
  })
  editor.on('close', events.onEnd)
  const show = () => {
    hidden = false
    editor.prompt(true)
  }
  return {
    show,
    hide() {
      hidden = true
    },
    above(print) {
      if (hidden) return print()
      moveCursor(process.stdout, 0, -editor.getCursorPos().rows)
      cursorTo(process.stdout, 0)
      clearScreenDown(process.stdout)
      print()
      show()
    },
    close: () => editor.close(),
  }
}

/** Standard output for the line editor, as wide as the terminal, whose writes are dropped while it is not `visible`. */
function outputWhile(visible: () => boolean): Writable {
  const output = new Writable({
    write(text, _encoding, done) {
      if (visible()) process.stdout.write(text, done)
      else done()
    },
  })
  Object.defineProperty(output, 'columns', { get: () => process.stdout.columns })
  process.stdout.on('resize', () => output.emit('resize'))
  return output
}

/** A paste may end in the middle of a line: then the message is complete with the next Enter. */
function gatherLines(isMidLine: () => boolean, onMessage: (text: string) => void) {
  let lines: string[] = []
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    if (isMidLine()) return
    const text = lines.join('\n')
    lines = []
    onMessage(text)
  }
  return {
    add(line: string) {
      lines.push(line)
      clearTimeout(timer)
      timer = setTimeout(flush, PASTE_MS)
    },
    drop() {
      clearTimeout(timer)
      lines = []
    },
  }
}
