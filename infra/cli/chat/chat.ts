import { createInterface } from 'node:readline'
import type { GatewayClient } from '../gateway-client.ts'
import { print, printToStderr, stripControlCharacters } from '../terminal.ts'
import { chatInTerminal, isQuitCommand } from './chat-keyboard.ts'
import { openChatSession } from './chat-session.ts'

/** Chats until the input ends. Resolves with the exit status. */
export async function chatCommand(client: GatewayClient, conversation: string | undefined): Promise<number> {
  return process.stdin.isTTY && process.stdout.isTTY
    ? await chatInTerminal(client, conversation)
    : await chatByLine(client, conversation)
}

/** Each line of the input is a message. Its reply is printed before the next line is read. */
async function chatByLine(client: GatewayClient, conversation: string | undefined): Promise<number> {
  const noop = () => undefined
  const sessionEnd = Promise.withResolvers<never>()
  sessionEnd.promise.catch(noop)
  const session = await openChatSession(client, conversation, {
    onOther: noop,
    onReply: noop,
    onStage: noop,
    onChunk: noop,
    onReconnected: noop,
    onDisconnected: error => printToStderr(`${error.message}; trying again`),
    onEnd: sessionEnd.reject,
  })
  let failed = 0
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue
    if (isQuitCommand(line)) break
    const reply = await Promise.race([session.send(line).then(session.waitForReply), sessionEnd.promise])
    print(stripControlCharacters(reply.text))
    if (reply.status === 'failed') failed++
  }
  await session.close()
  return failed === 0 ? 0 : 1
}
