import { toLaresError } from '../../../shared/base/errors.ts'
import type { GatewayClient } from '../gateway-client.ts'
import { dim, print, printToStderr } from '../terminal.ts'
import { openScreen, type Screen } from './chat-screen.ts'
import { openChatSession, type SessionHandlers } from './chat-session.ts'
import { type Keyboard, openKeyboard } from './keyboard.ts'

/** Runs a chat for a person at a terminal. Resolves with the exit status when the person leaves. */
export async function chatInTerminal(
  client: GatewayClient,
  conversation: string | undefined,
): Promise<number> {
  const exit = Promise.withResolvers<number>()
  const screen = openScreen(
    text => process.stdout.write(text),
    () => process.stdout.columns,
  )
  let keyboard: Keyboard | undefined
  const printAbovePrompt = (show: () => void) => (keyboard ? keyboard.printAbovePrompt(show) : show())
  const session = await openChatSession(client, conversation, {
    ...toSessionEvents(screen, printAbovePrompt),
    onEnd(error) {
      printToStderr(error.message)
      exit.resolve(1)
    },
  })
  screen.showNote('/help lists what Lares can do. Ctrl-C stops an answer; /quit or Ctrl-D leaves.')
  for (const row of session.before) screen.showOtherRow(row)

  let pendingReplies = 0
  let isStopping = false
  const sendAndAwaitReply = async (text: string) => {
    // The editor shows no input while a reply is written, so the chat prints that input here.
    if (pendingReplies > 0) screen.showNote(`> ${text}`)
    pendingReplies++
    keyboard?.hidePrompt()
    await session
      .send(text)
      .then(session.waitForReply)
      .catch(error => screen.showNote(toLaresError(error).message))
    pendingReplies--
    if (pendingReplies > 0) return
    isStopping = false
    keyboard?.showPrompt()
  }
  keyboard = openKeyboard({
    onMessage(text) {
      if (isQuitCommand(text)) exit.resolve(0)
      else if (text.trim() === '') keyboard?.showPrompt()
      else void sendAndAwaitReply(text)
    },
    onInterrupt() {
      if (pendingReplies === 0 || isStopping) return exit.resolve(0)
      isStopping = true
      screen.showNote('stopping… (Ctrl-C again leaves)')
      void sendAndAwaitReply('/stop')
    },
    onEnd: () => exit.resolve(0),
  })
  keyboard.showPrompt()

  const status = await exit.promise
  keyboard.hidePrompt()
  keyboard.close()
  await session.close()
  print(dim(`\nTo go on: lares chat --conversation ${session.conversation}`))
  return status
}

/** The client handles these words itself: it sends no message. */
export const isQuitCommand = (text: string): boolean => /^\s*\/(quit|exit|q)\s*$/i.test(text)

/** Messages that the assistant starts appear above the prompt; replies appear while the prompt is hidden. */
function toSessionEvents(
  screen: Screen,
  printAbovePrompt: (show: () => void) => void,
): Omit<SessionHandlers, 'onEnd'> {
  let isDisconnected = false
  const noteConnection = (isNowDisconnected: boolean, note: string) => {
    if (isDisconnected !== isNowDisconnected) printAbovePrompt(() => screen.showNote(note))
    isDisconnected = isNowDisconnected
  }
  return {
    onReply: screen.showReply,
    onStage: screen.showStage,
    onChunk: screen.showChunk,
    onOther: row => printAbovePrompt(() => screen.showOtherRow(row)),
    onDisconnected: () => noteConnection(true, 'the connection is lost; trying again…'),
    onReconnected: () => noteConnection(false, 'connected again'),
  }
}
