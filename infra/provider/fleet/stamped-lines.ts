import { Writable } from 'node:stream'
import type { LogLine } from '../backend.ts'
import { NAMESPACE } from '../deployment.ts'

/** The timestamp format of Docker and kubelets, with nanoseconds. */
const TIMESTAMPED_LINE = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (.*)$/s

/** Takes chunks of text with a time before each line, and emits whole lines. */
export function timestampedLineSink(
  name: string,
  instance: string,
  onLine: (line: LogLine) => void,
): Writable {
  let partialLine = ''
  return new Writable({
    write(chunk: Buffer | string, _encoding, done) {
      const lines = (partialLine + chunk.toString()).split('\n')
      partialLine = lines.pop()!
      for (const line of lines) {
        const [, timestamp, text] = TIMESTAMPED_LINE.exec(line) ?? []
        if (timestamp !== undefined && text !== '')
          onLine({ name, namespace: NAMESPACE, instance, timestamp, text: text! })
      }
      done()
    },
  })
}
