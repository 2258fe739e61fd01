// Lares's side of bench:durable: the functions of a chain, each on a port of its own, in one process. It prints the ports.
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { silentLogger } from '../../../shared/base/log.ts'
import { type AnyFunction, defineFunction } from '../../../shared/contract/definition.ts'
import type { EventDraft } from '../../../shared/contract/events/event.ts'
import { skillRequestType } from '../../../shared/contract/events/event-types.ts'
import { createInvocable } from '../../../shared/contract/invoke.ts'
import { serve } from '../../../shared/contract/serve.ts'
import { openFolderObjects } from '../../../shared/objects/folder.ts'

/** Each takes the text, does the work of one step, and hands it on; the last one ends the turn. */
export const stepFunctions = (steps: number): AnyFunction[] =>
  Array.from({ length: steps }, (_, at) =>
    defineFunction<`lares.skill.${string}.requested`>({
      name: `step-${at}`,
      receives: [skillRequestType(`step-${at}`)],
      emits: [at === steps - 1 ? 'lares.result.returned' : skillRequestType(`step-${at + 1}`)],
      concurrency: 1_000,
      handle({ data }): EventDraft {
        const text = createHash('sha256').update(data.text).digest('hex')
        if (at < steps - 1) return { type: skillRequestType(`step-${at + 1}`), data: { ...data, text } }
        return {
          type: 'lares.result.returned',
          data: { callId: data.callId, step: data.step, status: 'ok', text },
        }
      },
    }),
  )

if (import.meta.main) {
  const objects = openFolderObjects(tmpdir())
  const functions = stepFunctions(Number(process.argv[2]))
  const ports = await Promise.all(
    functions.map(async one => {
      const served = await serve(createInvocable(one, { services: {}, objects, log: silentLogger }), {
        port: 0,
        log: silentLogger,
      })
      return served.port
    }),
  )
  process.stdout.write(`${JSON.stringify(ports)}\n`)
}
