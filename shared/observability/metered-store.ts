import type { Conversations, StepRequest } from '../store/store.ts'
import { duplicatesOf, type Metrics } from './metrics.ts'

/** Counts the events that dialog's journal knew already: their step is not applied again. */
export function meteredConversations(conversations: Conversations, metrics: Metrics): Conversations {
  const repeated = duplicatesOf(metrics, 'dialog')
  return {
    ...conversations,
    async step<State, Outcome>(request: StepRequest<State, Outcome>) {
      let isNew = false
      const outcome = await conversations.step<State, Outcome>({
        ...request,
        apply(state) {
          isNew = true
          return request.apply(state)
        },
      })
      if (!isNew) repeated()
      return outcome
    },
  }
}
