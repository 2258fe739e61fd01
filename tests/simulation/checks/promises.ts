import { derivedId } from '../../../shared/contract/events/ids.ts'
import type { Client, SentMessage as Sent } from '../actors/client.ts'
import type { Plan } from '../plan.ts'
import type { Findings, LoggedReply } from './findings.ts'

/** The broken promises; each text begins with the name of its promise. */
export type Violations = string[]

/** P1 Nothing acknowledged is lost: it has a reply, or a failure that the person sees. */
export function checkNothingLost({ clients, replies, history }: Findings): Violations {
  const violations: Violations = []
  for (const { script, acknowledged } of clients)
    for (const { id, name } of acknowledged) {
      const row = history.get(script.conversation)?.find(one => one.id === id)
      const answers = replies.filter(({ data }) => data.answers.includes(id))
      if (!row) violations.push(`P1 ${name} is not in the history`)
      else if (answers.length === 0) violations.push(`P1 ${name} has no reply; it is ${row.status}`)
      else if (!['answered', 'failed', 'interrupted'].includes(row.status))
        violations.push(`P1 ${name} has a reply, and yet it is ${row.status}`)
    }
  return violations
}

/** P2 No reply is repeated: one reply to a message; after a visible failure, one more when it is retried. */
export function checkRepliesOnce({ clients, replies, history, deadLetters }: Findings): Violations {
  const violations: Violations = []
  for (const { acknowledged } of clients)
    for (const { id, name } of acknowledged) {
      const answers = replies.filter(({ data }) => data.answers.includes(id))
      const isLate =
        answers[0]?.data.status === 'failed' && hasDeadLetter(deadLetters, answers[0].data.answers)
      if (answers.length > (isLate ? 2 : 1))
        violations.push(`P2 ${name} has ${answers.length} replies: ${answers.map(({ data }) => data.status)}`)
    }
  for (const [conversation, conversationRows] of history) {
    const onLog = replies
      .filter(one => one.conversation === conversation)
      .map(({ data }) => replySignature(data))
    const inHistory = conversationRows.filter(({ role }) => role === 'assistant').map(replySignature)
    if (onLog.toSorted().join('\n') !== inHistory.toSorted().join('\n'))
      violations.push(
        `P2 ${conversation} has ${inHistory.length} replies in its history, and ${onLog.length} on the log`,
      )
  }
  return violations
}

/** A merged turn is named after its last message. */
const hasDeadLetter = (deadLetters: Findings['deadLetters'], messages: string[]): boolean =>
  deadLetters.some(({ data }) => data.event && messages.includes(data.event.correlationid))

const replySignature = ({
  inReplyTo,
  text,
  status,
}: {
  inReplyTo: string | null
  text: string
  status: string
}) => `${inReplyTo} ${status} ${text}`

/** P2 An alarm rings once. P1 It does ring. */
export async function checkAlarms({ instance, replies, leaver }: Findings): Promise<Violations> {
  const violations: Violations = []
  const set = new Set<string>()
  for (const { headers, value, key } of await instance.drivers.outside.records('lares.result'))
    if (key !== leaver?.script.conversation && value.toString().includes('It rings in'))
      set.add(headers.ce_causationid!)
  for (const timer of set) {
    const count = replies.filter(({ turn, data }) => {
      return data.inReplyTo === null && turn === derivedId(timer, 'timers', 0)
    }).length
    if (count !== 1) violations.push(`${count === 0 ? 'P1' : 'P2'} an alarm has rung ${count} times`)
  }
  return violations
}

/** Types of a message on its way to dialog: when one has failed for good, dialog hears of it by another way. */
const PRE_DIALOG_TYPES = new Set([
  'lares.message.received',
  'lares.intent.recognised',
  'lares.context.recalled',
])

/**
 * P3 Order is kept: replies come in the order of the messages. A command is answered at once. When a message fails
 * before dialog, its failure appears when dialog learns of it.
 */
export function checkReplyOrder({ clients, replies, history, deadLetters }: Findings): Violations {
  const violations: Violations = []
  const mayOvertake = ({ id, text }: Sent) =>
    text.startsWith('/') ||
    deadLetters.some(({ data }) => data.event?.correlationid === id && PRE_DIALOG_TYPES.has(data.event.type))
  for (const { script, acknowledged } of clients) {
    const order = history.get(script.conversation)!.filter(({ role }) => role === 'assistant')
    const replyIndex = ({ id }: Sent): number => {
      const reply = replies.find(({ data }) => data.answers.includes(id))
      return order.findIndex(row => row.inReplyTo === reply?.data.inReplyTo && row.text === reply?.data.text)
    }
    const onLog = replies.filter(({ conversation }) => conversation === script.conversation)
    if (onLog.map(({ data }) => replySignature(data)).join('\n') !== order.map(replySignature).join('\n'))
      violations.push(
        `P3 the replies of ${script.conversation} are not on the log in the order of the history`,
      )
    const ordered = acknowledged.filter(sent => !mayOvertake(sent))
    ordered.forEach((sent, index) => {
      const next = ordered[index + 1]
      if (next && replyIndex(sent) > replyIndex(next))
        violations.push(`P3 ${next.name} was answered before ${sent.name}`)
    })
  }
  return violations
}

/** P2 A page that followed the conversation all along shows the history. */
export function checkPages({ clients, history }: Findings): Violations {
  const violations = clients.flatMap(({ problems }) => problems)
  for (const { script, page, acknowledged } of clients) {
    for (const row of history.get(script.conversation) ?? []) {
      const shown = page.get(row.id)
      if (shown?.text !== row.text || shown.status !== row.status)
        violations.push(
          `P1 the page of ${script.conversation} shows ${shown?.status ?? 'nothing'} for ${row.status}`,
        )
    }
    for (const { name, id, answer } of acknowledged)
      if (answer && ![...page.values()].some(row => row.role === 'assistant' && row.text === answer.text))
        violations.push(`P2 ${name} (${id}) was answered with what is not in the history`)
  }
  return violations
}

/**
 * Beyond this limit one conversation held up another. An event that finds a function full comes again after a second,
 * and with two connectors it may find it full a few times.
 */
const MAX_ANSWER_MS = 6_000

/**
 * P4 While a stage is stuck or asleep, messages that do not need it get their answer as usual, and its work waits for
 * it.
 */
export function checkIsolation({ clients, replies }: Findings, plan: Plan): Violations {
  const violations: Violations = []
  for (const { script, acknowledged } of clients) {
    if (!isUnaffected(plan, script)) continue
    let readyMs = 0
    for (const { id, name, acknowledgedAtMs } of acknowledged) {
      const reply = replies.find(({ data }) => data.answers.includes(id))
      const tookMs = (reply?.atMs ?? Number.POSITIVE_INFINITY) - Math.max(acknowledgedAtMs, readyMs)
      if (tookMs > MAX_ANSWER_MS) violations.push(`P4 ${name} was held up for ${Math.round(tookMs)} ms`)
      readyMs = Math.max(readyMs, reply?.atMs ?? 0)
    }
  }
  if (plan.scenario === 'asleep')
    for (const { data, turn } of replies)
      if (data.status === 'failed' && data.text !== 'I refuse.')
        violations.push(`P4 a message failed because a stage was asleep: ${data.text} (${turn.slice(0, 8)})`)
  return violations
}

/** Words that no model is needed for, and words that the skill `echo` is needed for. */
const NEEDS_NO_MODEL = /^(echo|ring|refuse|\/|remember)/
const NEEDS_ECHO = /^(echo|use)/

function isUnaffected(
  { scenario, unavailableFunction, stuckConversations }: Plan,
  { conversation, messages }: Client['script'],
): boolean {
  if (scenario === 'storm') return false
  if (scenario === 'stuck') return stuckConversations.every(one => one.conversation !== conversation)
  return messages.every(({ text }) =>
    unavailableFunction === 'generation' ? NEEDS_NO_MODEL.test(text) : !NEEDS_ECHO.test(text),
  )
}

/** P1 A retried dead letter ends well, unless the person wanted something else meanwhile. */
export function checkRetriedDeadLetters(
  { clients, replies, deadLetters }: Findings,
  plan: Plan,
  wereRetried: boolean,
): Violations {
  if (!wereRetried || plan.mode !== 'queue') return []
  const violations: Violations = []
  for (const { script, acknowledged } of clients) {
    if (script.messages.some(({ text }) => text === '/stop')) continue
    for (const { id, name, text } of acknowledged) {
      if (!deadLetters.some(({ data }) => data.event?.correlationid === id) || text.startsWith('refuse'))
        continue
      const last = replies.findLast(({ data }: LoggedReply) => data.answers.includes(id))
      if (last?.data.status !== 'completed')
        violations.push(`P1 ${name} was put back, and is ${last?.data.status}`)
    }
  }
  return violations
}
