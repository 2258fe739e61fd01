// node --import tests/faults/loader-hook.ts: puts a marked driver in the place of each driver below; the code that runs is the
// one that always runs, and no switch for tests is in it.
import { registerHooks } from 'node:module'

const instrumentedModules = new Map(
  Object.entries({
    '/shared/bus/kafka/kafka-bus.ts': './marked-bus.ts',
    '/shared/store/sqlite/sqlite-store.ts': './marked-store.ts',
    '/infra/connector/invokers/http-invoker.ts': './marked-invoker.ts',
    '/shared/contract/invoke.ts': './marked-function.ts',
  }).map(([original, mark]) => [original, new URL(mark, import.meta.url).href]),
)

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const mark = [...instrumentedModules].find(([original]) => found.url.endsWith(original))?.[1]
    return mark === undefined || context.parentURL === mark ? found : { ...found, url: mark }
  },
})
