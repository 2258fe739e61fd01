/** Everything that can go wrong in a run, and how often at each place where it could. `--fault NAME` turns on one alone. */
export const FAULTS = {
  // Processes.
  'crash-before': {
    rate: 0.0015,
    says: 'a process dies before a call of the bus, the store or a function goes out',
  },
  'crash-after': {
    rate: 0.0015,
    says: 'a process dies when its call has had its effect, before it gets the answer',
  },
  pause: { rate: 0.01, says: 'a process is paused for up to 30 s (SIGSTOP); decided each second' },
  stop: {
    rate: 0.005,
    says: 'a process is stopped in order and started again (SIGTERM); decided each second',
  },
  'clock-jump': {
    rate: 0.01,
    says: "a process's clock jumps, to be up to ten minutes off, either way; decided each second",
  },
  'power-cut': { rate: 0.03, says: 'all processes die at once; decided each second' },
  // The bus.
  'publish-refused': { rate: 0.02, says: 'a batch is refused, and nothing of it is written' },
  'publish-partial': { rate: 0.02, says: 'a batch is refused, and a part of it is written' },
  'publish-unconfirmed': { rate: 0.02, says: 'a batch is written, and the confirmation is lost' },
  'commit-refused': { rate: 0.05, says: 'a commit fails' },
  'commit-unconfirmed': { rate: 0.05, says: 'a commit is made, and the confirmation is lost' },
  'read-again': { rate: 0.02, says: 'a member continues from its last commit after an error of the bus' },
  rebalance: { rate: 0.08, says: 'a group rebalances its partitions; decided each second' },
  overlap: { rate: 0.5, says: 'at a rebalance, the old owner learns of it after the new one has begun' },
  'bus-away': { rate: 0.02, says: 'the bus cannot be reached for up to 20 s; decided each second' },
  // The store.
  'store-refused': { rate: 0.01, says: 'a call of the store fails, and nothing has happened' },
  'store-unconfirmed': { rate: 0.01, says: 'a call of the store succeeds, and the answer is lost' },
  'store-away': { rate: 0.01, says: 'the store cannot be reached for up to 10 s; decided each second' },
  'apply-twice': { rate: 0.1, says: 'the transaction of a step is run a second time, as a store may' },
  // The object store, for data that is too large for the log.
  'object-refused': { rate: 0.03, says: 'a call of the object store fails, and nothing has happened' },
  'object-unconfirmed': { rate: 0.03, says: 'a call of the object store succeeds, and the answer is lost' },
  'objects-away': {
    rate: 0.01,
    says: 'the object store cannot be reached for up to 10 s; decided each second',
  },
  // The receiver of pushed replies.
  'delivery-refused': { rate: 0.05, says: 'the receiver of pushed replies refuses one for now' },
  'delivery-rejected': { rate: 0.01, says: 'the receiver refuses one for good' },
  'delivery-unconfirmed': { rate: 0.03, says: 'the receiver accepts one, and its answer is lost' },
  'receiver-away': { rate: 0.02, says: 'the receiver cannot be reached for up to 20 s; decided each second' },
  // The network.
  delay: { rate: 0.03, says: 'something takes up to 1.5 s instead of a few milliseconds' },
  'call-refused': { rate: 0.02, says: 'a function cannot be reached' },
  'call-cut': { rate: 0.02, says: 'the connection to a function breaks, and the function goes on' },
  'call-repeated': { rate: 0.02, says: 'a function gets the same call twice, at once' },
  'client-cut': {
    rate: 0.05,
    says: 'a client loses its connection to the gateway, before or after its message was accepted',
  },
  'sent-twice': { rate: 0.1, says: 'a client sends its message to two gateways at once, under one key' },
  // Functions.
  rejects: { rate: 0.02, says: 'a function fails an event for good, until it is healed' },
  fails: { rate: 0.02, says: 'a function fails every attempt of an event, until it is healed' },
  'fails-once': { rate: 0.05, says: 'one attempt of an event fails, before or after the work is done' },
  'half-said': { rate: 0.05, says: 'a stream of events breaks in the middle' },
  'other-words': { rate: 0.2, says: 'a model answers differently the second time' },
  slow: { rate: 0.03, says: 'a function takes up to 20 s' },
  hangs: { rate: 0.005, says: 'a function runs until its deadline' },
  // Operators.
  'dead-retry': { rate: 0.2, says: 'an operator retries a dead letter; decided each second for each' },
} as const satisfies Record<string, { rate: number; says: string }>

export type FaultName = keyof typeof FAULTS

export const isFaultName = (name: string): name is FaultName => Object.hasOwn(FAULTS, name)
