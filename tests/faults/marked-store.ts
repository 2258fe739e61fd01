import { openSqliteStore as open } from '../../shared/store/sqlite/sqlite-store.ts'
import type { Store } from '../../shared/store/store.ts'
import { PROCESS_NAME, reachFaultPoint } from './moments.ts'

/**
 * The store as the gateway uses it: it first asks for the conversation's owner and the number of waiting messages, and
 * then accepts a message.
 */
export function openSqliteStore(...args: Parameters<typeof open>): Store {
  const store = open(...args)
  if (!PROCESS_NAME.startsWith('gateway')) return store
  const { history } = store
  return {
    ...store,
    history: {
      ...history,
      async conversation(id) {
        await reachFaultPoint('before handling')
        return await history.conversation(id)
      },
      async backlog(conversation) {
        await reachFaultPoint('during')
        return await history.backlog(conversation)
      },
    },
  }
}
