import { LaresError } from '../../../shared/base/errors.ts'
import type { Invocable } from '../../../shared/contract/invoke.ts'
import type { Invoker } from './invoker.ts'

/** Calls functions in this process. */
export function inlineInvoker(functions: Map<string, Invocable>): Invoker {
  const find = (name: string): Invocable => {
    const found = functions.get(name)
    if (!found) throw new LaresError('unavailable', `there is no function "${name}" in this process`)
    return found
  }
  return {
    invoke: (name, event, signal) => find(name).invoke(event, signal),
    manifest: async name => find(name).manifest,
    close: async () => undefined,
  }
}
