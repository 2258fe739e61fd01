import { toLaresError } from '../../../shared/base/errors.ts'
import type { GatewayClient } from '../gateway-client.ts'
import { dim, mutter, print } from '../terminal.ts'
import { openScreen, type Screen } from './chat-screen.ts'
import { openSession, type SessionEvents } from './chat-session.ts'
import { type Keyboard, openKeyboard } from './keyboard.ts'

/** A person at a terminal. Resolves with the exit status when they leave. */
export async function chatByKeyboard(
  client: GatewayClient,
  conversation: string | undefined,
): Promise<number> {
  const left = Promise.withResolvers<number>()
  const screen = openScreen(text => process.stdout.write(text))
  let keyboard: Keyboard | undefined
  const above = (show: () => void) => (keyboard ? keyboard.above(show) : show())
  const session = await openSession(client, conversation, {
    ...screenEvents(screen, above),
    onEnd(error) {
      mutter(error.message)
      left.resolve(1)
    },
  })
  for (const row of session.before) screen.other(row)

  let waiting = 0
  let stopping = false
  const ask = async (text: string) => {
    waiting++
    keyboard?.hide()
    await session
      .say(text)
      .then(session.reply)
      .catch(error => screen.note(toLaresError(error).message))
    waiting--
    if (waiting > 0) return
    stopping = false
    keyboard?.show()
  }
  keyboard = openKeyboard({
    onMessage: text => (text.trim() === '' ? keyboard?.show() : void ask(text)),
    onInterrupt() {
      if (waiting === 0 || stopping) return left.resolve(0)
      stopping = true
      screen.note('stopping… (Ctrl-C again leaves)')
      void ask('/stop')
    },
    onEnd: () => left.resolve(0),
  })
  keyboard.show()

  const status = await left.promise
  keyboard.hide()
  keyboard.close()
  await session.close()
  print(dim(`\nTo go on: lares chat --conversation ${session.conversation}`))
  return status
}

/** What the assistant says by itself comes above the prompt; replies come while the prompt is away. */
function screenEvents(screen: Screen, above: (show: () => void) => void): Omit<SessionEvents, 'onEnd'> {
  let away = false
  const noteWay = (isAway: boolean, words: string) => {
    if (away !== isAway) above(() => screen.note(words))
    away = isAway
  }
  return {
    onReply: screen.reply,
    onStage: screen.stage,
    onChunk: screen.chunk,
    onOther: row => above(() => screen.other(row)),
    onLost: () => noteWay(true, 'the connection is lost; trying again…'),
    onBack: () => noteWay(false, 'connected again'),
  }
}
