import type { StepRequest, Store } from '../store/store.ts'
import { duplicateCounter, type Metrics } from './metrics.ts'

/** Counts the events that dialog's journal knew already, so that the store did not apply their step again. */
export function meteredStore(store: Store, metrics: Metrics): Store {
  const countDuplicate = duplicateCounter(metrics, 'dialog')
  return {
    ...store,
    async step<State, Outcome>(request: StepRequest<State, Outcome>) {
      let isNew = false
      const outcome = await store.step<State, Outcome>({
        ...request,
        apply(state) {
          isNew = true
          return request.apply(state)
        },
      })
      if (!isNew) countDuplicate()
      return outcome
    },
  }
}
