import { Writable } from 'node:stream'
import type { LogLine } from '../backend.ts'
import { NAMESPACE } from '../deployment.ts'

/** As Docker and kubelets stamp lines, to the nanosecond. */
const STAMP = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (.*)$/s

/** Takes text with a time in front of each line as it comes, and gives whole lines. */
export function lineSink(name: string, instance: string, take: (line: LogLine) => void): Writable {
  let rest = ''
  return new Writable({
    write(chunk: Buffer | string, _encoding, done) {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const [, timestamp, text] = STAMP.exec(line) ?? []
        if (timestamp !== undefined && text !== '')
          take({ name, namespace: NAMESPACE, instance, timestamp, text: text! })
      }
      done()
    },
  })
}
