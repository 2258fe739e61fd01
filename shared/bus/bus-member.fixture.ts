import type { Bus, BusRecord } from './bus.ts'

/** What the suite tells a process of its own to do: read, commit, say `done`, and wait to be killed. */
export type MemberOrder = {
  opener: { module: string; name: string; options: unknown }
  group: string
  topic: string
  /** How many records of one key to wait for. */
  expect: number
  /** How many of them to commit. */
  commit: number
}

const { opener, group, topic, expect, commit } = JSON.parse(process.argv[2]!) as MemberOrder
const bus: Bus = await (await import(opener.module))[opener.name](opener.options)
const records: BusRecord[] = []

const subscription = await bus.subscribe({
  group,
  topics: [topic],
  onRecords(batch) {
    records.push(...batch)
    if (records.length === expect) void finish()
  },
  onError: error => console.error(error),
})

async function finish(): Promise<void> {
  const last = records[commit - 1]
  if (last !== undefined) await subscription.commit([{ ...last, offset: last.offset + 1 }])
  console.log('done')
}

// A member without timers of its own would end here.
setInterval(() => undefined, 1_000)
