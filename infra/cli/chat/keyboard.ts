import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline'
import { Writable } from 'node:stream'

/** Lines that follow each other within this time were pasted, and are one message. */
const PASTE_WINDOW_MS = 40

export type KeyboardHandlers = {
  onMessage(text: string): void
  /** Ctrl-C. */
  onInterrupt(): void
  /** Ctrl-D, or `close`. */
  onEnd(): void
}

export type Keyboard = {
  /** Shows the prompt, with the input typed while it was hidden. */
  showPrompt(): void
  /** Hides the prompt, and keeps the input typed meanwhile without showing it. */
  hidePrompt(): void
  /** Prints above the prompt. */
  printAbovePrompt(print: () => void): void
  close(): void
}

/** The terminal's keyboard, with a line editor. */
export function openKeyboard(handlers: KeyboardHandlers): Keyboard {
  let isHidden = true
  const output = outputWhileVisible(() => !isHidden)
  const editor = createInterface({ input: process.stdin, output, terminal: true, prompt: '> ' })
  const pasteCollector = createPasteCollector(() => editor.line !== '', handlers.onMessage)
  editor.on('line', pasteCollector.add)
  editor.on('SIGINT', () => {
    pasteCollector.drop()
    handlers.onInterrupt()
  })
  editor.on('close', handlers.onEnd)
  const showPrompt = () => {
    isHidden = false
    editor.prompt(true)
  }
  return {
    showPrompt,
    hidePrompt() {
      isHidden = true
    },
    printAbovePrompt(print) {
      if (isHidden) return print()
      moveCursor(process.stdout, 0, -editor.getCursorPos().rows)
      cursorTo(process.stdout, 0)
      clearScreenDown(process.stdout)
      print()
      showPrompt()
    },
    close: () => editor.close(),
  }
}

/** Standard output for the line editor, with the terminal's width. It drops writes while it is not `visible`. */
function outputWhileVisible(isVisible: () => boolean): Writable {
  const output = new Writable({
    write(text, _encoding, done) {
      if (isVisible()) process.stdout.write(text, done)
      else done()
    },
  })
  Object.defineProperty(output, 'columns', { get: () => process.stdout.columns })
  process.stdout.on('resize', () => output.emit('resize'))
  return output
}

/** A paste may end in the middle of a line: then the next Enter completes the message. */
function createPasteCollector(isMidLine: () => boolean, onMessage: (text: string) => void) {
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
      timer = setTimeout(flush, PASTE_WINDOW_MS)
    },
    drop() {
      clearTimeout(timer)
      lines = []
    },
  }
}
