import { setTimeout as wait } from 'node:timers/promises'
import { LaresError, toLaresError } from '../../shared/base/errors.ts'
import { type Mutation, type Wrapper, wrapExport, wrapLocal } from './mutate.ts'

const ignore = () => undefined

/**
 * Bugs that are put into the product on purpose, to see that the simulation finds them. Each wraps functions of the
 * product: `wrapExport` names a function by a typed reference, so renames and moves follow; `wrapLocal` names one that
 * its module does not export.
 */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'commit before finish',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../shared/bus/consumer/offset-tracker.ts'),
        module => module.openOffsetTracker,
        original => () => {
          const tracker = original()
          return {
            ...tracker,
            start(offset) {
              const isNew = tracker.start(offset)
              if (isNew) tracker.finish(offset)
              return isNew
            },
          }
        },
      ),
    ],
  },
  {
    name: 'highest finished is committed',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../shared/bus/consumer/offset-tracker.ts'),
        module => module.openOffsetTracker,
        original => () => {
          const tracker = original()
          let highest: number | undefined
          let last: number | undefined
          return {
            ...tracker,
            finish(offset) {
              tracker.finish(offset)
              highest = Math.max(highest ?? 0, offset + 1)
            },
            offsetToCommit: () => (highest === last ? undefined : highest),
            markCommitted(position) {
              last = position
            },
          }
        },
      ),
    ],
  },
  {
    name: 'dead letter dropped',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../infra/connector/consumer/delivery.ts'),
        module => module.createDeliveryTask,
        original => (record, dependencies, inFlight) => {
          const publish: typeof dependencies.events.publish = async (events, notes) => {
            if (events[0]?.type !== 'lares.deadletter.recorded')
              await dependencies.events.publish(events, notes)
          }
          return original(record, { ...dependencies, events: { publish } }, inFlight)
        },
      ),
    ],
  },
  {
    name: 'publish error swallowed',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../infra/connector/consumer/delivery.ts'),
        module => module.createDeliveryTask,
        original => (record, dependencies, inFlight) => {
          const publish: typeof dependencies.events.publish = (events, notes) =>
            dependencies.events.publish(events, notes).catch(ignore)
          return original(record, { ...dependencies, events: { publish } }, inFlight)
        },
      ),
    ],
  },
  {
    name: 'finished before published',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../infra/connector/consumer/ordered-batcher.ts'),
        module => module.openOrderedBatcher,
        original => send => {
          const batcher = original(send)
          return {
            ...batcher,
            async settled() {
              batcher.settled().catch(ignore)
            },
          }
        },
      ),
    ],
    faults: ['crash-before', 'crash-after', 'publish-refused', 'delay'],
  },
  {
    name: 'dead letter of a claim check not understood',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../functions/dialog/events/dead-letter.ts'),
        module => module.parseDeadLetter,
        original => (event, errorCode) =>
          Object.hasOwn(Object(event), 'data') ? original(event, errorCode) : undefined,
      ),
    ],
    faults: ['rejects', 'fails'],
  },
  {
    name: 'claim check published before its object',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../shared/contract/events/event-log.ts'),
        module => module.openEventLog,
        original => (bus, objects, owners) => {
          const put: typeof objects.put = async (key, data) => {
            objects.put(key, data).catch(ignore)
          }
          return original(bus, { ...objects, put }, owners)
        },
      ),
    ],
    faults: ['object-refused', 'objects-away', 'crash-before', 'delay'],
  },
  {
    name: 'timer marked before published',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../infra/timers/timers.ts'),
        module => module.startTimers,
        original => (timers, events, log, now) => {
          const due: typeof timers.due = async (nowMs, limit) => {
            const found = await timers.due(nowMs, limit)
            await timers.markFired(found.map(({ id }) => id))
            return found
          }
          return original({ ...timers, due }, events, log, now)
        },
      ),
    ],
    faults: ['publish-refused', 'bus-away', 'crash-before'],
  },
  {
    name: 'acknowledged before published',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../gateway/ingress/intake.ts'),
        module => module.openIntake,
        original => (options, dependencies) => {
          const publish: typeof options.events.publish = async (events, notes) => {
            options.events.publish(events, notes).catch(ignore)
          }
          return original({ ...options, events: { publish } }, dependencies)
        },
      ),
    ],
  },
  {
    name: 'queued message not started',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../functions/dialog/turn/queue.ts'),
        module => module.processQueue,
        original => context => {
          if (context.state.waiting.length < 2) original(context)
        },
      ),
    ],
  },
  {
    name: 'random ids',
    promise: 'P2',
    wrappers: [
      wrapExport(
        () => import('../../shared/contract/events/ids.ts'),
        module => module.derivedId,
        original => (causingId, producer, index) =>
          original(`${causingId}/${Math.random()}`, producer, index),
      ),
    ],
  },
  {
    name: 'journal skipped',
    promise: 'P2',
    wrappers: [
      wrapLocal(
        () => import('../../functions/dialog/handler.ts'),
        'runStep',
        original =>
          (received: { id: string }, ...rest: unknown[]) =>
            original({ ...received, id: `${received.id}/${Math.random()}` }, ...rest),
      ),
    ],
  },
  {
    name: 'history of a message not checked',
    promise: 'P2',
    wrappers: whileIn(
      wrapper =>
        wrapExport(
          () => import('../../functions/dialog/events/dead-letter.ts'),
          module => module.onDeadLetter,
          original => (context, dead) => wrapper.enter(() => original(context, dead)),
        ),
      wrapper =>
        wrapExport(
          () => import('../../functions/dialog/state.ts'),
          module => module.isKnownMessage,
          original => (state, id) => !wrapper.isIn() && original(state, id),
        ),
    ),
    faults: ['rejects', 'fails', 'dead-retry'],
  },
  {
    name: 'idempotency key ignored',
    promise: 'P2',
    wrappers: [
      wrapExport(
        () => import('../../gateway/ingress/intake.ts'),
        module => module.openIntake,
        original => (options, dependencies) => {
          const intake = original(options, dependencies)
          return incoming => intake({ ...incoming, key: undefined })
        },
      ),
    ],
  },
  {
    name: 'rows shown again',
    promise: 'P2',
    wrappers: [
      wrapExport(
        () => import('../../gateway/live/history-follower.ts'),
        module => module.followConversation,
        original => (context, from, watcher) => {
          const { history } = context.options.store
          const changes: typeof history.changes = (conversation, after, limit) =>
            history.changes(conversation, after - 1, limit)
          const options = { store: { history: { ...history, changes } } }
          return original({ ...context, options }, from, watcher)
        },
      ),
    ],
  },
  {
    name: 'discarded attachment left behind',
    promise: 'P2',
    wrappers: [
      wrapExport(
        () => import('../../functions/memory/documents/store.ts'),
        module => module.discardAttachment,
        () => async () => undefined,
      ),
    ],
  },
  {
    name: 'delivery ledger not checked',
    promise: 'P2',
    wrappers: [
      wrapExport(
        () => import('../../gateway/delivery/delivery-ledger.ts'),
        module => module.openDeliveryLedger,
        original => (records, channel) => ({
          ...original(records, channel),
          hasProcessed: async () => false,
        }),
      ),
    ],
  },
  {
    name: 'recorded before delivered',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../gateway/delivery/delivery-ledger.ts'),
        module => module.openDeliveryLedger,
        original => (records, channel) => {
          const ledger = original(records, channel)
          return {
            ...ledger,
            async hasProcessed(delivery, place) {
              if (await ledger.hasProcessed(delivery, place)) return true
              await ledger.markProcessed(delivery, place)
              return false
            },
          }
        },
      ),
    ],
  },
  {
    name: 'words of a member have the key of the group',
    promise: 'Privacy',
    wrappers: [
      wrapExport(
        () => import('../../shared/protection/stores/protected-bus.ts'),
        module => module.protectedBus,
        original => (inner, protection) => {
          const owners = { ...protection.owners, turnKeyId: ignore, senderOf: ignore }
          const stored = { ...protection.stored, senderOf: async () => undefined }
          return original(inner, { ...protection, owners, stored })
        },
      ),
    ],
  },
  {
    name: 'a reply goes to every channel of its person',
    promise: 'Address',
    wrappers: [
      wrapExport(
        () => import('../../gateway/delivery/dispatcher.ts'),
        module => module.openDispatcher,
        original => (channel, options) => original({ ...channel, accepts: () => true }, options),
      ),
    ],
  },
  {
    name: 'a reply goes where the person last spoke',
    promise: 'Address',
    wrappers: [
      wrapExport(
        () => import('../../functions/dialog/turn/completion.ts'),
        module => module.endTurn,
        original => (context, turn, text, status) => {
          const { address = turn.message.address } = context.state
          original(context, { ...turn, message: { ...turn.message, address } }, text, status)
        },
      ),
    ],
  },
  {
    name: 'deliveries out of order',
    promise: 'P3',
    wrappers: [
      wrapExport(
        () => import('../../gateway/delivery/ordered-consumer.ts'),
        module => module.openOrderedConsumer,
        original => (bus, options) => {
          const originals = new WeakMap<object, Parameters<typeof options.handle>[0]>()
          const subscribe: typeof bus.subscribe = given =>
            bus.subscribe({
              ...given,
              onRecords: records =>
                given.onRecords(
                  records.map(record => {
                    const alone = { ...record, key: `${record.key} ${Math.random()}` }
                    originals.set(alone, record)
                    return alone
                  }),
                ),
            })
          const handle: typeof options.handle = (record, isLost) =>
            options.handle(originals.get(record) ?? record, isLost)
          return original({ ...bus, subscribe }, { ...options, handle })
        },
      ),
    ],
  },
  {
    name: 'key order dropped',
    promise: 'P3',
    wrappers: [
      wrapExport(
        () => import('../../shared/bus/consumer/keyed-executor.ts'),
        module => module.openKeyedExecutor,
        original => concurrency => {
          const executor = original(concurrency)
          return { ...executor, add: (key, task) => executor.add(`${key} ${Math.random()}`, task) }
        },
      ),
    ],
  },
  {
    name: 'retry forgets its key',
    promise: 'P3',
    wrappers: [
      wrapExport(
        () => import('../../shared/bus/consumer/keyed-executor.ts'),
        module => module.openKeyedExecutor,
        original => concurrency => {
          const executor = original(concurrency)
          const add: typeof executor.add = (key, task) =>
            executor.add(key, async () => {
              const outcome = await task()
              if (outcome !== 'done') setTimeout(() => add(key, task), outcome.retryInMs)
              return 'done'
            })
          return { ...executor, add }
        },
      ),
    ],
  },
  {
    name: 'newest queued message first',
    promise: 'P3',
    wrappers: [
      wrapExport(
        () => import('../../functions/dialog/turn/queue.ts'),
        module => module.processQueue,
        original => context => {
          const { turn, waiting } = context.state
          if (!turn) waiting.unshift(...waiting.splice(-1))
          original(context)
        },
      ),
    ],
  },
  {
    name: 'reply overtakes the one before',
    promise: 'P3',
    wrappers: [
      wrapLocal(
        () => import('../../functions/dialog/publishing.ts'),
        'repeatUnpublishedReplies',
        () => ignore,
      ),
    ],
    faults: ['crash-after', 'delay', 'bus-away', 'rebalance', 'overlap'],
  },
  {
    name: 'one key for all',
    promise: 'P4',
    wrappers: [
      wrapExport(
        () => import('../../shared/bus/consumer/keyed-executor.ts'),
        module => module.openKeyedExecutor,
        original => concurrency => {
          const executor = original(concurrency)
          return { ...executor, add: (_key, task) => executor.add('all', task) }
        },
      ),
    ],
  },
  {
    name: 'retry wait holds one of two concurrency slots',
    promise: 'P4',
    wrappers: [
      wrapExport(
        () => import('../../shared/bus/consumer/keyed-executor.ts'),
        module => module.openKeyedExecutor,
        original => () => {
          const executor = original(2)
          return {
            ...executor,
            setConcurrency: ignore,
            add: (key, task) =>
              executor.add(key, async () => {
                const outcome = await task()
                if (outcome === 'done') return outcome
                await wait(outcome.retryInMs)
                return { retryInMs: 0 }
              }),
          }
        },
      ),
    ],
  },
  {
    name: 'unreachable counts as failed',
    promise: 'P4',
    wrappers: [
      wrapExport(
        () => import('../../infra/connector/consumer/retry.ts'),
        module => module.recordFailure,
        original =>
          (attempts, error, ...rest) =>
            original(attempts, withCode(error, ['unavailable', 'busy'], 'failed'), ...rest),
      ),
    ],
  },
  {
    name: 'lost partitions are kept',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../infra/connector/consumer/worker.ts'),
        module => module.startWorker,
        original => (bus, topics, dependencies) => {
          const subscribe: typeof bus.subscribe = options => bus.subscribe({ ...options, onRevoked: ignore })
          return original({ ...bus, subscribe }, topics, dependencies)
        },
      ),
    ],
    faults: ['rebalance', 'overlap', 'slow', 'fails-once'],
  },
  {
    name: 'records overtake one that waits for a key',
    promise: 'P1',
    wrappers: [
      wrapLocal(
        () => import('../../shared/protection/stores/protected-bus.ts'),
        'openOrderedDelivery',
        original => (open, openAtHand, onRecords, onError) => {
          const line = original(open, openAtHand, onRecords, onError)
          return {
            ...line,
            take(records: unknown[], ...rest: unknown[]) {
              const read = records.map(openAtHand)
              if (read.includes(undefined)) line.take(records, ...rest)
              else onRecords(read)
            },
          }
        },
      ),
    ],
  },
  {
    name: 'unreachable key counts as erased',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../shared/protection/stores/protected-bus.ts'),
        module => module.protectedBus,
        original => (inner, protection) => {
          const { keys } = protection
          const byId: typeof keys.byId = id => keys.byId(id).catch(ignore)
          return original(inner, { ...protection, keys: { ...keys, byId } })
        },
      ),
    ],
  },
  {
    name: 'each person has two keys',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../shared/protection/keys.ts'),
        module => module.openKeys,
        original => options => {
          const { ring } = options
          const add: typeof ring.add = async entry => {
            await ring.add(entry)
            return entry
          }
          return original({ ...options, ring: { ...ring, add } })
        },
      ),
    ],
  },
  {
    name: 'work for a forgotten person fails',
    promise: 'P1',
    wrappers: [
      wrapExport(
        () => import('../../infra/connector/consumer/delivery.ts'),
        module => module.createDeliveryTask,
        original => (record, dependencies, inFlight) => {
          const asRejected = (error: unknown) => {
            throw withCode(toLaresError(error), ['forgotten'], 'rejected')
          }
          const publish: typeof dependencies.events.publish = (events, notes) =>
            dependencies.events.publish(events, notes).catch(asRejected)
          const invoke: typeof dependencies.invoker.invoke = async function* (...given) {
            try {
              yield* dependencies.invoker.invoke(...given)
            } catch (error) {
              asRejected(error)
            }
          }
          const invoker = { ...dependencies.invoker, invoke }
          return original(record, { ...dependencies, events: { publish }, invoker }, inFlight)
        },
      ),
    ],
    faults: ['slow'],
  },
  {
    name: 'work creates a key for a forgotten person',
    promise: 'Privacy',
    wrappers: [
      wrapExport(
        () => import('../../shared/protection/keys.ts'),
        module => module.openKeys,
        original => async options => {
          const keys = await original(options)
          return { ...keys, require: keys.getOrCreate }
        },
      ),
    ],
    faults: ['slow'],
  },
  {
    name: 'follow-up event sealed with the current key',
    promise: 'Privacy',
    wrappers: [
      wrapExport(
        () => import('../../shared/protection/stores/protected-bus.ts'),
        module => module.protectedBus,
        original => (inner, protection) =>
          original(inner, {
            ...protection,
            owners: { ...protection.owners, keyId: ignore, turnKeyId: ignore },
          }),
      ),
    ],
    faults: ['slow'],
  },
]

function withCode(error: LaresError, codes: string[], code: LaresError['code']): LaresError {
  if (!codes.includes(error.code)) return error
  const { message, retryable, retryAfterMs } = error
  return new LaresError(code, message, {
    cause: error,
    ...(code === 'failed' && { retryable }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

type Scope = { enter<T>(work: () => T): T; isIn(): boolean }

/** Two wrappers: one acts only while the other one runs, synchronously. */
function whileIn(...wrappers: ((scope: Scope) => Wrapper)[]): Wrapper[] {
  let isIn = false
  const scope: Scope = {
    isIn: () => isIn,
    enter(work) {
      isIn = true
      try {
        return work()
      } finally {
        isIn = false
      }
    },
  }
  return wrappers.map(wrapper => wrapper(scope))
}
