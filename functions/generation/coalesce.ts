import type { GenerateChunk } from '#shared/models/models.ts'

/**
 * Combines text that arrives in quick succession. The first chunk passes at once, then at most one chunk passes in
 * `windowMs`. Leading whitespace waits for the first other character. Everything else passes as it arrives.
 */
export async function* coalesce(
  chunks: AsyncIterable<GenerateChunk>,
  windowMs: number,
): AsyncGenerator<GenerateChunk, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]()
  let next = readAhead(iterator)
  let text = ''
  let isBlank = true
  let windowEndsAtMs = 0
  const flush = (): GenerateChunk => {
    const whole = text
    text = ''
    windowEndsAtMs = performance.now() + windowMs
    return { kind: 'text', text: whole }
  }
  try {
    for (;;) {
      const hasPendingText = text !== '' && !isBlank
      const result = await (hasPendingText ? raceTimeout(next, windowEndsAtMs - performance.now()) : next)
      if (result === undefined) {
        yield flush()
        continue
      }
      if (result.done) break
      next = readAhead(iterator)
      if (result.value.kind === 'text') {
        text += result.value.text
        isBlank &&= text.trim() === ''
        if (text !== '' && !isBlank && performance.now() >= windowEndsAtMs) yield flush()
      } else {
        if (text !== '' && !isBlank) yield flush()
        yield result.value
      }
    }
    if (text !== '' && !isBlank) yield flush()
  } finally {
    // Not awaited: it would wait for a silent model.
    iterator.return?.()?.catch(() => undefined)
  }
}

/** Reads ahead. The caller that awaits the chunk gets a failure, even if it awaits later. */
function readAhead<T>(iterator: AsyncIterator<T, void>): Promise<IteratorResult<T, void>> {
  const result = iterator.next()
  result.catch(() => undefined)
  return result
}

/** Returns undefined after `ms`. */
async function raceTimeout<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), Math.max(0, ms))
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
