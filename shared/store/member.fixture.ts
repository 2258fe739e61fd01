import type { Store } from './store.ts'

/** A command for another process: count a step under each of these event ids, and print each outcome. */
export type WorkerCommand = {
  /** The function that opens the store: an exported function of a module, and its argument. */
  opener: { module: string; name: string; argument: unknown }
  conversation: string
  eventIds: string[]
}

/** The step that all processes apply: it counts itself. */
export const countingStep = (conversation: string, eventId: string) => ({
  conversation,
  person: 'owner',
  eventId,
  apply: (state: { count: number } | undefined) => {
    const count = (state?.count ?? 0) + 1
    return { state: { count }, messages: [], outcome: count }
  },
})

if (process.argv[2]) {
  const { opener, conversation, eventIds } = JSON.parse(process.argv[2]) as WorkerCommand
  const { [opener.name]: open } = await import(opener.module)
  const store: Store = await open(opener.argument)
  const outcomes: [string, number][] = []
  for (const eventId of eventIds)
    outcomes.push([eventId, await store.step(countingStep(conversation, eventId))])
  await store.close()
  process.stdout.write(JSON.stringify(outcomes))
}
