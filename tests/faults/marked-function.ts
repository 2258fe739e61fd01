import { type Invocable, invocable as make } from '../../shared/contract/invoke.ts'
import { begun } from './marked-stream.ts'
import { reach } from './moments.ts'

export * from '../../shared/contract/invoke.ts'

/** A function with its moments marked: what it made is produced, and its event committed, once its answer is out. */
export function invocable(...asked: Parameters<typeof make>): Invocable {
  const made = make(...asked)
  return {
    ...made,
    async start() {
      await reach('while starting')
      await made.start()
    },
    async *invoke(event, signal) {
      await reach('before handling')
      yield* begun(made.invoke(event, signal), () => reach('after handling before produce'))
      setImmediate(() => void reach('after produce before commit'))
    },
  }
}
