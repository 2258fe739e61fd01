import { LaresError } from '../../../shared/base/errors.ts'

/** The largest line. A line holds one event; the function's own limits are far below. */
const MAX_LINE_BYTES = 64 * 1024 * 1024
const NEWLINE = 0x0a

/**
 * Yields the lines of NDJSON as they arrive. Only a line feed ends a line: node:readline would also break a text at
 * U+2028.
 * Errors: `failed` for an end within a line, `rejected` for a line without an end.
 */
export async function* readLines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (let chunk of body) {
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE)) {
      yield Buffer.concat([...parts, chunk.subarray(0, end)]).toString()
      parts = []
      bytes = 0
      chunk = chunk.subarray(end + 1)
    }
    if (chunk.length > 0) parts.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_LINE_BYTES)
      throw new LaresError('rejected', `a line of the answer has more than ${MAX_LINE_BYTES} bytes`)
  }
  if (bytes > 0) throw new LaresError('failed', 'the answer ended within a line')
}
