import type { Trace, TracedEvent, TracedReader, TracedTurn } from '../../../shared/operations/trace-types.ts'
import { bold, columns, cut, dim, duration, green, red, yellow } from '../terminal.ts'

const WIDTH = 100
const TITLE_WIDTH = 60
const TYPE_WIDTH = 26
const MAKER_WIDTH = 15

/** The journey as lines of at most 100 places. */
export function drawTrace(trace: Trace, nowMs: number): string[] {
  const { conversation, person, turns, hasEarlier, knowsTries } = trace
  return [
    `${bold('Conversation')} ${cut(conversation, TITLE_WIDTH - 4)}${person ? dim(` of ${cut(person, 24)}`) : ''}`,
    ...(hasEarlier ? [dim('There are earlier turns: --turns shows more of them.')] : []),
    ...(knowsTries ? [] : [dim('No connector could be asked: the tries of what waits are not known.')]),
    ...turns.flatMap(turn => ['', ...drawTurn(turn, nowMs)]),
  ]
}

function drawTurn(turn: TracedTurn, nowMs: number): string[] {
  const { id, events, message } = turn
  const numbers = new Map(events.map((event, index) => [event.id, String(index + 1)]))
  const rows = events.map(event => rowOf(event, numbers, Date.parse(events[0]!.at)))
  const begun = (message?.createdAt ?? events[0]!.at).replace('T', ' ').slice(0, 19)
  return [
    `${message ? bold(`“${cut(message.text, TITLE_WIDTH)}”`) : bold('the assistant by itself')}  ${endOf(turn)}`,
    dim(`${begun} UTC, turn ${cut(id, 70)}`),
    ...(rows.length > 0 ? columns([HEAD, ...rows]).map(line => `  ${line}`) : [forgotten]),
    ...events.flatMap(event => event.readers.flatMap(reader => drawReader(reader, event, numbers, nowMs))),
  ]
}

const HEAD = ['', 'after', 'event', 'by, because of', 'waited', 'ran', ''].map(dim)
const forgotten = dim('  The log has forgotten this turn, which the history still has.')

function endOf({ message, reply, events }: TracedTurn): string {
  const begun = message?.createdAt ?? events[0]!.at
  const took = reply ? ` after ${duration(between(begun, reply.at))}` : ''
  const status = reply?.status ?? message?.status
  if (status === 'failed') return red(`failed${took}`)
  if (reply) return green(`${status === 'interrupted' ? 'interrupted' : 'answered'}${took}`)
  if (status === 'queued') return yellow('waits for the turn before it, or for its first function')
  return status === 'answering' ? yellow('is being answered') : dim(status ?? '')
}

const between = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from))

function rowOf(event: TracedEvent, numbers: Map<string, string>, beginMs: number): string[] {
  const { made, causedBy, records, type } = event
  // A cause in another turn has no number here.
  const cause = causedBy && (numbers.get(causedBy) ?? causedBy.slice(0, 8))
  const times = records > 1 ? ` ×${records}` : ''
  return [
    numbers.get(event.id)!,
    duration(Math.max(0, Date.parse(event.at) - beginMs)),
    cut(type.replace(/^lares\./, ''), TYPE_WIDTH - times.length) + dim(times),
    cut(event.madeBy, MAKER_WIDTH) + (cause ? dim(` ← ${cause}`) : ''),
    made?.waitedMs === undefined ? '' : duration(made.waitedMs),
    made ? duration(made.ranMs) : '',
    [
      ...(made && made.try > 1 ? [yellow(`try ${made.try}`)] : []),
      ...(event.isClaimCheck ? ['large'] : []),
    ].join(' '),
  ]
}

/** Where an event is that is not done yet, or never will be. */
function drawReader(
  reader: TracedReader,
  { id }: TracedEvent,
  numbers: Map<string, string>,
  nowMs: number,
): string[] {
  const { state, error, deadLetter } = reader
  if (state === 'done') return []
  const reason = error ? dim(`    ${cut(`${error.code}: ${error.message}`, WIDTH - 4)}`) : ''
  const put = deadLetter?.retriedAt
    ? dim(`    put back ${deadLetter.retriedAt}`)
    : deadLetter && dim(`    lares dead retry ${deadLetter.id}`)
  return [`  ${placeOf(reader, numbers.get(id)!, nowMs)}`, ...[reason, put ?? ''].filter(line => line !== '')]
}

function placeOf(reader: TracedReader, number: string, nowMs: number): string {
  const { state, since, nextTryAt, try: count } = reader
  const name = `${cut(reader.function, MAKER_WIDTH)} ← ${number}`
  const age = since === undefined ? '' : duration(Math.max(0, nowMs - Date.parse(since)))
  if (state === 'dead') return red(`✗ ${name} failed for good${count ? ` after ${triesOf(count)}` : ''}`)
  if (state === 'running') return yellow(`▸ ${name} is at it for ${age}${count ? `, try ${count}` : ''}`)
  const next = nextTryAt
    ? `; try ${count} failed, the next is in ${duration(Math.max(0, Date.parse(nextTryAt) - nowMs))}`
    : ''
  return yellow(`… ${name} has waited ${age}${next}`)
}

const triesOf = (count: number): string => (count === 1 ? 'one try' : `${count} tries`)
