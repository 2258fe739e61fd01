// node --import tests/faults/hook.ts: puts a marked driver in the place of each driver below; the code that runs is the
// one that always runs, and no switch for tests is in it.
import { registerHooks } from 'node:module'

const marked = new Map(
  Object.entries({
    '/shared/bus/kafka.ts': './marked-bus.ts',
    '/shared/conversations/sqlite.ts': './marked-conversations.ts',
    '/infra/connector/http-invoker.ts': './marked-invoker.ts',
    '/shared/function/invoke.ts': './marked-function.ts',
  }).map(([original, mark]) => [original, new URL(mark, import.meta.url).href]),
)

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const mark = [...marked].find(([original]) => found.url.endsWith(original))?.[1]
    return mark === undefined || context.parentURL === mark ? found : { ...found, url: mark }
  },
})
