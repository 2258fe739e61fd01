import { createInterface } from 'node:readline'
import type { GatewayClient } from '../gateway-client.ts'
import { harmless, mutter, print } from '../terminal.ts'
import { chatByKeyboard } from './chat-keyboard.ts'
import { openSession } from './chat-session.ts'

/** Talks until the input ends. Resolves with the exit status. */
export async function chat(client: GatewayClient, conversation: string | undefined): Promise<number> {
  return process.stdin.isTTY && process.stdout.isTTY
    ? await chatByKeyboard(client, conversation)
    : await chatByLines(client, conversation)
}

/** Each line of the input is a message; its reply is printed before the next one is read. */
async function chatByLines(client: GatewayClient, conversation: string | undefined): Promise<number> {
  const quiet = () => undefined
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(quiet)
  const session = await openSession(client, conversation, {
    onOther: quiet,
    onReply: quiet,
    onStage: quiet,
    onChunk: quiet,
    onBack: quiet,
    onLost: error => mutter(`${error.message}; trying again`),
    onEnd: ended.reject,
  })
  let failed = 0
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue
    const reply = await Promise.race([session.say(line).then(session.reply), ended.promise])
    print(harmless(reply.text))
    if (reply.status === 'failed') failed++
  }
  await session.close()
  return failed === 0 ? 0 : 1
}
