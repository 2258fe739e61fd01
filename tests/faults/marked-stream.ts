import { reachFaultPoint } from './moments.ts'

/** The same stream, with the moment marked at which its first step is made and not ended; `onFirst` when it has. */
export async function* markFirstStep<T>(stream: AsyncIterable<T>, onFirst?: () => Promise<void> | undefined) {
  const steps = stream[Symbol.asyncIterator]()
  let next = steps.next()
  next.catch(() => undefined)
  await reachFaultPoint('during')
  try {
    let step = await next
    await onFirst?.()
    while (!step.done) {
      yield step.value
      next = steps.next()
      step = await next
    }
  } finally {
    await steps.return?.()
  }
}
