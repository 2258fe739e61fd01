// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of code

import type { FaultName } from './faults.ts'

/**
 * Faults put into the product on purpose, to see that the simulation finds them. `find` is in `file` exactly once; when
 * that changes, the mutation is to be written anew.
 */
export type Mutation = {
  name: string
  promise: 'P1' | 'P2' | 'P3' | 'P4' | 'Privacy'
  file: string
  find: string
  replace: string
  /** The kinds that bring it to light soonest; all kinds, if none are named. */
  faults?: readonly FaultName[]
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'commit before finish',
    promise: 'P1',
    file: 'infra/connector/consumer/worker.ts',
    find: '    const status: InFlight = {}\n',
    replace: '    const status: InFlight = {}\n    finishRecord(partition, record.offset)\n',
  },
  {
    name: 'highest finished is committed',
    promise: 'P1',
    file: 'infra/connector/consumer/offset-tracker.ts',
    find: '        committable = offsets[firstUnfinishedIndex++]! + 1\n',
    replace: '        firstUnfinishedIndex++\n      committable = Math.max(committable ?? 0, offset + 1)\n',
  },
  {
    name: 'dead letter dropped',
    promise: 'P1',
    file: 'infra/connector/consumer/delivery.ts',
    find: 'return await publishDeadLetter(deadLetterEvent, dependencies)',
    replace: "return 'done'",
  },
  {
    name: 'publish error swallowed',
    promise: 'P1',
    file: 'infra/connector/consumer/delivery.ts',
    find: '      if (!error.retryable) throw error\n',
    replace: '      return\n',
  },
  {
    name: 'finished before published',
    promise: 'P1',
    file: 'infra/connector/consumer/delivery.ts',
    find: '    throw error\n  }\n  await batcher.settled()\n',
    replace: '    throw error\n  }\n  batcher.settled().catch(() => undefined)\n',
    faults: ['crash-before', 'crash-after', 'publish-refused', 'delay'],
  },
  {
    name: 'dead letter of a claim check not understood',
    promise: 'P1',
    file: 'functions/dialog/events/dead-letter.ts',
    find: '  data: z.unknown().optional(),\n',
    replace: '  data: z.unknown(),\n',
    faults: ['rejects', 'fails'],
  },
  {
    name: 'claim check published before its object',
    promise: 'P1',
    file: 'shared/contract/events/event-log.ts',
    find: '  await objects.put(key, data)\n',
    replace: '  objects.put(key, data).catch(() => undefined)\n',
    faults: ['object-refused', 'objects-away', 'crash-before', 'delay'],
  },
  {
    name: 'timer marked before published',
    promise: 'P1',
    file: 'infra/timers/timers.ts',
    find: '      if (firedEvents.length > 0) await events.publish(firedEvents)\n      await timers.markFired(due.map(({ id }) => id))\n',
    replace:
      '      await timers.markFired(due.map(({ id }) => id))\n      if (firedEvents.length > 0) await events.publish(firedEvents)\n',
    faults: ['publish-refused', 'bus-away', 'crash-before'],
  },
  {
    name: 'acknowledged before published',
    promise: 'P1',
    file: 'gateway/ingress/intake.ts',
    find: "await withTimeout(PUBLISH_TIMEOUT_MS, 'the bus', options.events.publish([event]).catch(toUnavailable))",
    replace: 'options.events.publish([event]).catch(() => undefined)',
  },
  {
    name: 'what waits is not taken up',
    promise: 'P1',
    file: 'functions/dialog/step.ts',
    find: '  processQueue(context)\n',
    replace: '  if (context.state.waiting.length < 2) processQueue(context)\n',
  },
  {
    name: 'ids by chance',
    promise: 'P2',
    file: 'shared/contract/events/ids.ts',
    find: 'uuidV5(`${causingId}/${producer}/${index}`)',
    replace: 'uuidV5(`${causingId}/${producer}/${index}/${Math.random()}`)',
  },
  {
    name: 'journal skipped',
    promise: 'P2',
    file: 'functions/dialog/handler.ts',
    find: '    eventId: received.id,\n',
    replace: '    eventId: `${received.id}/${Math.random()}`,\n',
  },
  {
    name: 'history of a message not checked',
    promise: 'P2',
    file: 'functions/dialog/events/dead-letter.ts',
    find: 'if (isKnownMessage(state, deadLetter.messageId) || !deadLetter.said)',
    replace: 'if (!deadLetter.said)',
  },
  {
    name: 'idempotency key ignored',
    promise: 'P2',
    file: 'gateway/ingress/intake.ts',
    find: 'const id = key === undefined ? newId() : keyedId(person, conversation, key)',
    replace: 'const id = newId()',
  },
  {
    name: 'rows shown again',
    promise: 'P2',
    file: 'gateway/live/history-follower.ts',
    find: '    after = rows.at(-1)!.sequence\n',
    replace: '    after = rows[0]!.sequence\n',
  },
  {
    name: 'what is not kept of a document is left',
    promise: 'P2',
    file: 'functions/memory/documents/ingestion.ts',
    find: '    if (!isKept) await discardAttachment(dependencies, person, object)\n',
    replace: '',
  },
  {
    name: 'outbox not checked',
    promise: 'P2',
    file: 'gateway/delivery/dispatcher.ts',
    find: '    if (await retryUntilStored(() => ledger.hasProcessed(delivery, record))) return\n',
    replace: '',
  },
  {
    name: 'recorded before delivered',
    promise: 'P1',
    file: 'gateway/delivery/dispatcher.ts',
    find: '    const failure = await sendWithRetries(delivery, isLost)\n',
    replace:
      '    await retryUntilStored(() => ledger.markProcessed(delivery, record))\n    const failure = await sendWithRetries(delivery, isLost)\n',
  },
  {
    name: 'deliveries out of order',
    promise: 'P3',
    file: 'gateway/delivery/ordered-consumer.ts',
    find: 'const chain = (chains.get(record.key) ?? Promise.resolve())',
    replace: 'const chain = Promise.resolve()',
  },
  {
    name: 'key order dropped',
    promise: 'P3',
    file: 'infra/connector/consumer/keyed-executor.ts',
    find: '      const queue = queues.get(key)\n',
    replace: '      key = `${key} ${Math.random()}`\n      const queue = queues.get(key)\n',
  },
  {
    name: 'retry forgets its key',
    promise: 'P3',
    file: 'infra/connector/consumer/keyed-executor.ts',
    find: '    else if (!resolveClose) requeueAfter(key, outcome.retryInMs)\n',
    replace:
      '    else if (!resolveClose) {\n      queue.push(queue.shift()!)\n      requeueAfter(key, outcome.retryInMs)\n    }\n',
  },
  {
    name: 'newest waiting first',
    promise: 'P3',
    file: 'functions/dialog/turn/queue.ts',
    find: 'const next = state.waiting.shift()',
    replace: 'const next = state.waiting.pop()',
  },
  {
    name: 'reply overtakes the one before',
    promise: 'P3',
    file: 'functions/dialog/publishing.ts',
    find: '    repeatUnpublishedReplies(context)\n',
    replace: '',
    faults: ['crash-after', 'delay', 'bus-away', 'rebalance', 'overlap'],
  },
  {
    name: 'one lane for all',
    promise: 'P4',
    file: 'infra/connector/consumer/worker.ts',
    find: 'executor.add(record.key,',
    replace: "executor.add('all',",
  },
  {
    name: 'waiting keeps its place',
    promise: 'P4',
    file: 'infra/connector/consumer/keyed-executor.ts',
    find: "    running--\n    if (outcome === 'done') finishTask(key, queue, durationMs)\n    else if (!resolveClose) requeueAfter(key, outcome.retryInMs)\n",
    replace:
      "    if (outcome === 'done') running--\n    if (outcome === 'done') finishTask(key, queue, durationMs)\n    else if (!resolveClose) requeueAfter(key, outcome.retryInMs)\n    if (outcome !== 'done') setTimeout(() => running--, outcome.retryInMs)\n",
  },
  {
    name: 'away is failed',
    promise: 'P4',
    file: 'infra/connector/consumer/retry.ts',
    find: "error.code === 'unavailable' || error.code === 'busy'",
    replace: 'error.code === undefined',
  },
  {
    name: 'lost partitions are kept',
    promise: 'P1',
    file: 'infra/connector/consumer/worker.ts',
    find: '      for (const at of revoked) revokePartition(at)\n',
    replace: '      void revoked\n',
    faults: ['rebalance', 'overlap', 'slow', 'fails-once'],
  },
  {
    name: 'records overtake those that wait for a key',
    promise: 'P1',
    file: 'shared/protection/stores/protected-bus.ts',
    find: '      if (waiting === 0) {\n',
    replace: '      if (records.length > 0) {\n',
  },
  {
    name: 'a key that is away is a key that is gone',
    promise: 'P1',
    file: 'shared/protection/stores/protected-bus.ts',
    find: '        onError?.(error)\n        await wait(RETRY_DELAY_MS)\n',
    replace: '        return records.map(erasedBusRecord)\n',
  },
  {
    name: 'each person has two keys',
    promise: 'P1',
    file: 'shared/protection/keys.ts',
    find: 'await remember(await ring.add(await wrapper.newEntry(person)))',
    replace:
      'await wrapper.newEntry(person).then(async entry => (await ring.add(entry), await remember(entry)))',
  },
  {
    name: 'work for who was forgotten is a failure',
    promise: 'P1',
    file: 'infra/connector/consumer/delivery.ts',
    find: "  if (error.code === 'forgotten') {",
    replace: '  if (attempts.failures < 0) {',
    faults: ['slow'],
  },
  {
    name: 'work makes a key for who was forgotten',
    promise: 'Privacy',
    file: 'shared/protection/keys.ts',
    find: '    async require(person) {\n      const key = await existing(person)\n',
    replace:
      '    async require(person) {\n      const key = (await existing(person)) ?? (await create(person))\n',
    faults: ['slow'],
  },
  {
    name: 'what follows has the key of today',
    promise: 'Privacy',
    file: 'shared/protection/stores/protected-bus.ts',
    find: '      return key ? sealBusRecord(key, message) : shredBusRecord(message)\n',
    replace:
      '      return sealBusRecord(key ?? (await keys.require((await personOf(message.key)) ?? SYSTEM)), message)\n',
    faults: ['slow'],
  },
]
