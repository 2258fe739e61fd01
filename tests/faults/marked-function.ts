import { type Invocable, createInvocable as make } from '../../shared/contract/invoke.ts'
import { markFirstStep } from './marked-stream.ts'
import { reachFaultPoint } from './moments.ts'

export * from '../../shared/contract/invoke.ts'

/**
 * A function with its moments marked: when its answer is out, its events are produced, and the causing event is
 * committed.
 */
export function createInvocable(...args: Parameters<typeof make>): Invocable {
  const original = make(...args)
  return {
    ...original,
    async start() {
      await reachFaultPoint('while starting')
      await original.start()
    },
    async *invoke(event, signal) {
      await reachFaultPoint('before handling')
      yield* markFirstStep(original.invoke(event, signal), () =>
        reachFaultPoint('after handling before produce'),
      )
      setImmediate(() => void reachFaultPoint('after produce before commit'))
    },
  }
}
