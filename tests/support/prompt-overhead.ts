import { ask } from './conversation.ts'
import type { LaresInstance } from './instance.ts'
import type { ModelServer } from './model-server.ts'

const MESSAGE = 'tell me something about the sea'

/** The bytes of a request to the model besides a message of one line, with all skills enabled. */
export async function promptOverhead(instance: LaresInstance, model: ModelServer): Promise<number> {
  await ask(instance, 'overhead', MESSAGE)
  const request = model.requests.findLast(({ messages }) => messages.at(-1)?.content === MESSAGE)
  if (!request) throw new Error('the model was not asked')
  if (!request.tools?.length) throw new Error('no skill was offered to the model')
  return request.bytes - Buffer.byteLength(MESSAGE)
}
