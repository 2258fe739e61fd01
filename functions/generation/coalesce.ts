import type { GenerateChunk } from '#shared/models/models.ts'

/**
 * Puts text that comes in quick succession together: the first piece passes at once, then at most one piece passes in
 * `windowMs`. Text before the first character that is no space waits for it. Everything else passes as it comes.
 */
export async function* coalesce(
  chunks: AsyncIterable<GenerateChunk>,
  windowMs: number,
): AsyncGenerator<GenerateChunk, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]()
  let next = read(iterator)
  let text = ''
  let isBlank = true
  let opensAtMs = 0
  const flush = (): GenerateChunk => {
    const whole = text
    text = ''
    opensAtMs = performance.now() + windowMs
    return { kind: 'text', text: whole }
  }
  try {
    for (;;) {
      const isHeld = text !== '' && !isBlank
      const got = await (isHeld ? within(next, opensAtMs - performance.now()) : next)
      if (got === undefined) {
        yield flush()
        continue
      }
      if (got.done) break
      next = read(iterator)
      if (got.value.kind === 'text') {
        text += got.value.text
        isBlank &&= text.trim() === ''
        if (text !== '' && !isBlank && performance.now() >= opensAtMs) yield flush()
      } else {
        if (text !== '' && !isBlank) yield flush()
        yield got.value
      }
    }
    if (text !== '' && !isBlank) yield flush()
  } finally {
    // Not awaited: it would wait for a model that says nothing.
    iterator.return?.()?.catch(() => undefined)
  }
}

/** Reads ahead; a failure is met by whoever waits for it, even if that is later. */
function read<T>(iterator: AsyncIterator<T, void>): Promise<IteratorResult<T, void>> {
  const result = iterator.next()
  result.catch(() => undefined)
  return result
}

/** Undefined when it takes longer. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), Math.max(0, ms))
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
