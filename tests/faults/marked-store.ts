import { openSqliteConversations as open } from '../../shared/store/sqlite/sqlite-store.ts'
import type { Conversations } from '../../shared/store/store.ts'
import { NAME, reach } from './moments.ts'

/** The store as the gateway uses it: it asks whose a conversation is first, and how much waits before it takes a message. */
export function openSqliteConversations(...asked: Parameters<typeof open>): Conversations {
  const store = open(...asked)
  if (!NAME.startsWith('gateway')) return store
  const { history } = store
  return {
    ...store,
    history: {
      ...history,
      async conversation(id) {
        await reach('before handling')
        return await history.conversation(id)
      },
      async waiting(conversation) {
        await reach('during')
        return await history.waiting(conversation)
      },
    },
  }
}
