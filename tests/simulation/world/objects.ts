import { Readable } from 'node:stream'
import { LaresError } from '../../../shared/base/errors.ts'
import type { ObjectStore } from '../../../shared/objects/objects.ts'
import type { Names } from '../trace.ts'
import type { Call, Calls } from './calls.ts'
import type { Life } from './machine.ts'

/** The simulated object store: objects are whole or not there, behind a network that loses calls and answers. */
export type SimulatedObjects = {
  /** The object store as one process sees it. */
  forProcess(life: Life): ObjectStore
  /** For observers from outside. */
  outside: ObjectStore
}

export function openSimulatedObjects(calls: Calls, names: Names): SimulatedObjects {
  const stored = new Map<string, Buffer>()
  const read = (key: string): Buffer => {
    const data = stored.get(key)
    if (!data) throw new LaresError('not_found', `there is no object "${key}"`)
    return data
  }
  const createObjectStore = (
    call: <T>(what: string, key: string, effect: Call<T>['effect']) => Promise<T>,
  ): ObjectStore => ({
    put: (key, data) => call('put', key, () => void stored.set(key, data)),
    get: key => call('get', key, () => read(key)),
    async read(key) {
      const data = await call('get', key, () => read(key))
      return { metadata: METADATA, data: Readable.from([data]) }
    },
    delete: key => call('delete', key, () => void stored.delete(key)),
    check: async () => undefined,
    write: notSimulated,
    metadata: notSimulated,
    async *list(prefix) {
      for (const key of stored.keys()) if (key.startsWith(prefix)) yield key
    },
    link: notSimulated,
    archive: notSimulated,
  })
  return {
    outside: createObjectStore(async (_what, _key, effect) => effect()),
    forProcess: life =>
      createObjectStore((what, key, effect) =>
        calls.call({
          life,
          target: 'objects',
          site: `objects.${what} ${names.nameOf(key.slice(key.lastIndexOf('/') + 1))}`,
          effect,
          refusedFault: 'object-refused',
          unconfirmedFault: 'object-unconfirmed',
        }),
      ),
  }
}

/** Callers ask no more of these objects than whether they are archived. */
const METADATA = { bytes: 0, sha256: '', mediaType: 'application/octet-stream', cold: false }

const notSimulated = (): never => {
  throw new Error('the simulation has claim checks, and no attachments')
}
