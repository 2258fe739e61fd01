import { LaresError } from '../../shared/errors.ts'
import type { Objects } from '../../shared/objects/objects.ts'
import type { Call, Calls } from './calls.ts'
import type { Life } from './machine.ts'
import type { Names } from './trace.ts'

/** The simulated object store: objects are whole or not there, behind a network that loses calls and answers. */
export type SimulatedObjects = {
  /** As one process sees it. */
  of(life: Life): Objects
  /** For whoever looks from outside. */
  outside: Pick<Objects, 'get'>
}

export function openObjects(calls: Calls, names: Names): SimulatedObjects {
  const stored = new Map<string, Buffer>()
  const read = (key: string): Buffer => {
    const data = stored.get(key)
    if (!data) throw new LaresError('not_found', `there is no object "${key}"`)
    return data
  }
  return {
    outside: { get: async key => read(key) },
    of(life) {
      const call = <T>(what: string, key: string, effect: Call<T>['effect']) =>
        calls.make({
          life,
          of: 'objects',
          place: `objects.${what} ${names.of(key.slice(key.lastIndexOf('/') + 1))}`,
          effect,
          refused: 'object-refused',
          unconfirmed: 'object-unconfirmed',
        })
      return {
        put: (key, data) => call('put', key, () => void stored.set(key, data)),
        get: key => call('get', key, () => read(key)),
        delete: key => call('delete', key, () => void stored.delete(key)),
        check: async () => undefined,
      }
    },
  }
}
