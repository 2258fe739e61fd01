import type { Bus, BusRecord } from './bus.ts'

/** The instructions of the suite for a separate process: read, commit, print `done`, and wait to be killed. */
export type MemberCommand = {
  opener: { module: string; name: string; options: unknown }
  group: string
  topic: string
  /** How many records of one key to wait for. */
  expectedRecords: number
  /** How many of these records to commit. */
  recordsToCommit: number
}

const { opener, group, topic, expectedRecords, recordsToCommit } = JSON.parse(
  process.argv[2]!,
) as MemberCommand
const bus: Bus = await (await import(opener.module))[opener.name](opener.options)
const records: BusRecord[] = []

const subscription = await bus.subscribe({
  group,
  topics: [topic],
  onRecords(batch) {
    records.push(...batch)
    if (records.length === expectedRecords) void finish()
  },
  onError: error => console.error(error),
})

async function finish(): Promise<void> {
  const last = records[recordsToCommit - 1]
  if (last !== undefined) await subscription.commit([{ ...last, offset: last.offset + 1 }])
  console.log('done')
}

// Without this timer, the process of a member without timers would end here.
setInterval(() => undefined, 1_000)
