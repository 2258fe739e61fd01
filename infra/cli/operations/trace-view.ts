import type { Trace, TracedEvent, TracedReader, TracedTurn } from '../../../shared/operations/trace-types.ts'
import { bold, dim, formatColumns, formatDuration, green, red, truncate, yellow } from '../terminal.ts'

const MAX_LINE_WIDTH = 100
const TITLE_WIDTH = 60
const TYPE_WIDTH = 26
const PRODUCER_WIDTH = 15

/** Formats the trace as lines of at most 100 columns. */
export function formatTrace(trace: Trace, nowMs: number): string[] {
  const { conversation, person, turns, hasEarlier, knowsTries } = trace
  return [
    `${bold('Conversation')} ${truncate(conversation, TITLE_WIDTH - 4)}${person ? dim(` of ${truncate(person, 24)}`) : ''}`,
    ...(hasEarlier ? [dim('There are earlier turns: --turns shows more of them.')] : []),
    ...(knowsTries ? [] : [dim('No connector could be asked: the tries of what waits are not known.')]),
    ...turns.flatMap(turn => ['', ...formatTurn(turn, nowMs)]),
  ]
}

function formatTurn(turn: TracedTurn, nowMs: number): string[] {
  const { id, events, message } = turn
  const numbers = new Map(events.map((event, index) => [event.id, String(index + 1)]))
  const rows = events.map(event => toEventRow(event, numbers, Date.parse(events[0]!.at)))
  const startedAt = (message?.createdAt ?? events[0]!.at).replace('T', ' ').slice(0, 19)
  return [
    `${message ? bold(`“${truncate(message.text, TITLE_WIDTH)}”`) : bold('the assistant by itself')}  ${formatTurnOutcome(turn)}`,
    dim(`${startedAt} UTC, turn ${truncate(id, 70)}`),
    ...(rows.length > 0
      ? formatColumns([TABLE_HEADER, ...rows]).map(line => `  ${line}`)
      : [EXPIRED_TURN_NOTE]),
    ...events.flatMap(event => event.readers.flatMap(reader => formatReader(reader, event, numbers, nowMs))),
  ]
}

const TABLE_HEADER = ['', 'after', 'event', 'by, because of', 'waited', 'ran', ''].map(dim)
const EXPIRED_TURN_NOTE = dim('  The log has forgotten this turn, which the history still has.')

function formatTurnOutcome({ message, reply, events }: TracedTurn): string {
  const startedAt = message?.createdAt ?? events[0]!.at
  const took = reply ? ` after ${formatDuration(elapsedMs(startedAt, reply.at))}` : ''
  const status = reply?.status ?? message?.status
  if (status === 'failed') return red(`failed${took}`)
  if (reply) return green(`${status === 'interrupted' ? 'interrupted' : 'answered'}${took}`)
  if (status === 'queued') return yellow('waits for the turn before it, or for its first function')
  return status === 'answering' ? yellow('is being answered') : dim(status ?? '')
}

const elapsedMs = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from))

function toEventRow(event: TracedEvent, numbers: Map<string, string>, beginMs: number): string[] {
  const { made, causedBy, records, type } = event
  // A cause in another turn has no number in this one.
  const cause = causedBy && (numbers.get(causedBy) ?? causedBy.slice(0, 8))
  const times = records > 1 ? ` ×${records}` : ''
  return [
    numbers.get(event.id)!,
    formatDuration(Math.max(0, Date.parse(event.at) - beginMs)),
    truncate(type.replace(/^lares\./, ''), TYPE_WIDTH - times.length) + dim(times),
    truncate(event.madeBy, PRODUCER_WIDTH) + (cause ? dim(` ← ${cause}`) : ''),
    made?.waitedMs === undefined ? '' : formatDuration(made.waitedMs),
    made ? formatDuration(made.ranMs) : '',
    [
      ...(made && made.try > 1 ? [yellow(`try ${made.try}`)] : []),
      ...(event.isClaimCheck ? ['large'] : []),
    ].join(' '),
  ]
}

/** Formats the place of an event that is not done yet, or has failed for good. */
function formatReader(
  reader: TracedReader,
  { id }: TracedEvent,
  numbers: Map<string, string>,
  nowMs: number,
): string[] {
  const { state, error, deadLetter } = reader
  if (state === 'done') return []
  const reason = error ? dim(`    ${truncate(`${error.code}: ${error.message}`, MAX_LINE_WIDTH - 4)}`) : ''
  const retryHint = deadLetter?.retriedAt
    ? dim(`    put back ${deadLetter.retriedAt}`)
    : deadLetter && dim(`    lares dead retry ${deadLetter.id}`)
  return [
    `  ${formatReaderState(reader, numbers.get(id)!, nowMs)}`,
    ...[reason, retryHint ?? ''].filter(line => line !== ''),
  ]
}

function formatReaderState(reader: TracedReader, number: string, nowMs: number): string {
  const { state, since, nextTryAt, try: count } = reader
  const name = `${truncate(reader.function, PRODUCER_WIDTH)} ← ${number}`
  const age = since === undefined ? '' : formatDuration(Math.max(0, nowMs - Date.parse(since)))
  if (state === 'dead')
    return red(`✗ ${name} failed for good${count ? ` after ${formatAttemptCount(count)}` : ''}`)
  if (state === 'running') return yellow(`▸ ${name} is at it for ${age}${count ? `, try ${count}` : ''}`)
  const next = nextTryAt
    ? `; try ${count} failed, the next is in ${formatDuration(Math.max(0, Date.parse(nextTryAt) - nowMs))}`
    : ''
  return yellow(`… ${name} has waited ${age}${next}`)
}

const formatAttemptCount = (count: number): string => (count === 1 ? 'one try' : `${count} tries`)
