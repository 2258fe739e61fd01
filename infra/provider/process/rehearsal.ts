import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import * as z from 'zod'
import { request } from '../../../shared/base/node-http.ts'
import type { Environment } from '../../../shared/config/environment.ts'
import { createRootEvent } from '../../../shared/contract/events/event.ts'
import { skillRequestType } from '../../../shared/contract/events/event-types.ts'
import { eventToHttp } from '../../../shared/contract/events/http-binding.ts'
import { defineSkill } from '../../../shared/contract/skill/skill.ts'
import { hostFunction } from '../../../shared/host/host.ts'

const HOST = '127.0.0.1'
const warmUpSkill = defineSkill({
  name: 'rehearsal',
  description: 'Does nothing.',
  examples: ['nothing'],
  input: z.object({ day: z.iso.date().optional().describe('which day') }),
  run: () => 'done',
})

/**
 * Hosts a dummy skill and calls it. Node thus loads and compiles all code between a function's start and its first
 * answer before a function is assigned.
 */
export async function warmUpRuntime(environment: Environment): Promise<void> {
  const running = await hostFunction(warmUpSkill, { ...environment, port: 0, host: HOST })
  try {
    const { headers, body } = eventToHttp(
      createRootEvent({
        id: 'rehearsal',
        source: '/lares/provider',
        type: skillRequestType('rehearsal'),
        conversation: 'rehearsal',
        data: {
          callId: 'rehearsal',
          step: 0,
          person: 'owner',
          input: {},
          text: '',
          language: 'en',
          timeZone: 'UTC',
          saidAt: new Date().toISOString(),
        },
      }),
    )
    await call(running.port, 'GET', '/_/ready')
    await call(running.port, 'POST', '/', headers, body)
  } finally {
    await running.stop()
  }
}

async function call(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: Uint8Array,
): Promise<void> {
  const sent = request({ host: HOST, port, method, path, headers, agent: false })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  await once(answer.resume(), 'end')
  if (answer.statusCode !== 200) throw new Error(`rehearsal: ${path} answered ${answer.statusCode}`)
}
