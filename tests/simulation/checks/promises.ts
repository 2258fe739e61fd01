import { derivedId } from '../../../shared/contract/events/ids.ts'
import type { Client, Said as Sent } from '../actors/client.ts'
import type { Plan } from '../plan.ts'
import type { Findings, Said } from './findings.ts'

/** What is broken, each beginning with the name of its promise. */
export type Violations = string[]

/** P1 Nothing acknowledged is lost: it has a reply, or a failure that the person sees. */
export function lost({ clients, replies, rows }: Findings): Violations {
  const broken: Violations = []
  for (const { talk, acknowledged } of clients)
    for (const { id, name } of acknowledged) {
      const row = rows.get(talk.conversation)?.find(one => one.id === id)
      const answers = replies.filter(({ data }) => data.answers.includes(id))
      if (!row) broken.push(`P1 ${name} is not in the history`)
      else if (answers.length === 0) broken.push(`P1 ${name} has no reply; it is ${row.status}`)
      else if (!['answered', 'failed', 'interrupted'].includes(row.status))
        broken.push(`P1 ${name} has a reply, and yet it is ${row.status}`)
    }
  return broken
}

/** P2 Nothing is said twice: one reply to a message; after a failure that was told, one more when it is put right. */
export function saidTwice({ clients, replies, rows, letters }: Findings): Violations {
  const broken: Violations = []
  for (const { acknowledged } of clients)
    for (const { id, name } of acknowledged) {
      const answers = replies.filter(({ data }) => data.answers.includes(id))
      const isLate = answers[0]?.data.status === 'failed' && hasLetter(letters, answers[0].data.answers)
      if (answers.length > (isLate ? 2 : 1))
        broken.push(`P2 ${name} has ${answers.length} replies: ${answers.map(({ data }) => data.status)}`)
    }
  for (const [conversation, history] of rows) {
    const onLog = replies.filter(one => one.conversation === conversation).map(({ data }) => textOf(data))
    const inHistory = history.filter(({ role }) => role === 'assistant').map(textOf)
    if (onLog.toSorted().join('\n') !== inHistory.toSorted().join('\n'))
      broken.push(
        `P2 ${conversation} has ${inHistory.length} replies in its history, and ${onLog.length} on the log`,
      )
  }
  return broken
}

/** A merged turn is named after its last message. */
const hasLetter = (letters: Findings['letters'], messages: string[]): boolean =>
  letters.some(({ data }) => data.event && messages.includes(data.event.correlationid))

const textOf = ({ inReplyTo, text, status }: { inReplyTo: string | null; text: string; status: string }) =>
  `${inReplyTo} ${status} ${text}`

/** P2 An alarm rings once. P1 It does ring. */
export async function alarms({ house, replies, leaving }: Findings): Promise<Violations> {
  const broken: Violations = []
  const set = new Set<string>()
  for (const { headers, value, key } of await house.drivers.outside.records('lares.result'))
    if (key !== leaving?.talk.conversation && value.toString().includes('It rings in'))
      set.add(headers.ce_causationid!)
  for (const timer of set) {
    const count = replies.filter(({ turn, data }) => {
      return data.inReplyTo === null && turn === derivedId(timer, 'timers', 0)
    }).length
    if (count !== 1) broken.push(`${count === 0 ? 'P1' : 'P2'} an alarm has rung ${count} times`)
  }
  return broken
}

/** Types of a message on its way to dialog: when one has failed for good, dialog hears of it by another way. */
const ON_THE_WAY = new Set(['lares.message.received', 'lares.intent.recognised', 'lares.context.recalled'])

/**
 * P3 Order is kept: replies come in the order of the messages. A command is answered at once, and a message that never
 * reached dialog has its failure told when dialog hears of it.
 */
export function disordered({ clients, replies, rows, letters }: Findings): Violations {
  const broken: Violations = []
  const isFree = ({ id, text }: Sent) =>
    text.startsWith('/') ||
    letters.some(({ data }) => data.event?.correlationid === id && ON_THE_WAY.has(data.event.type))
  for (const { talk, acknowledged } of clients) {
    const order = rows.get(talk.conversation)!.filter(({ role }) => role === 'assistant')
    const placeOf = ({ id }: Sent): number => {
      const reply = replies.find(({ data }) => data.answers.includes(id))
      return order.findIndex(row => row.inReplyTo === reply?.data.inReplyTo && row.text === reply?.data.text)
    }
    const onLog = replies.filter(({ conversation }) => conversation === talk.conversation)
    if (onLog.map(({ data }) => textOf(data)).join('\n') !== order.map(textOf).join('\n'))
      broken.push(`P3 the replies of ${talk.conversation} are not on the log in the order of the history`)
    const bound = acknowledged.filter(said => !isFree(said))
    bound.forEach((said, index) => {
      const next = bound[index + 1]
      if (next && placeOf(said) > placeOf(next))
        broken.push(`P3 ${next.name} was answered before ${said.name}`)
    })
  }
  return broken
}

/** P2 What a page shows that followed the conversation all along is the history. */
export function shownWrong({ clients, rows }: Findings): Violations {
  const broken = clients.flatMap(({ problems }) => problems)
  for (const { talk, page, acknowledged } of clients) {
    for (const row of rows.get(talk.conversation) ?? []) {
      const shown = page.get(row.id)
      if (shown?.text !== row.text || shown.status !== row.status)
        broken.push(
          `P1 the page of ${talk.conversation} shows ${shown?.status ?? 'nothing'} for ${row.status}`,
        )
    }
    for (const { name, id, answer } of acknowledged)
      if (answer && ![...page.values()].some(row => row.role === 'assistant' && row.text === answer.text))
        broken.push(`P2 ${name} (${id}) was answered with what is not in the history`)
  }
  return broken
}

/**
 * Beyond this, somebody was held up by somebody else. Whoever finds a function full comes again after a second, and with
 * two connectors may find it full a few times.
 */
const PROMPT_MS = 6_000

/** P4 While a stage is stuck or asleep, those who do not need it are answered as ever, and its work waits for it. */
export function heldUp({ clients, replies }: Findings, plan: Plan): Violations {
  const broken: Violations = []
  for (const { talk, acknowledged } of clients) {
    if (!isFree(plan, talk)) continue
    let readyMs = 0
    for (const { id, name, acknowledgedAtMs } of acknowledged) {
      const reply = replies.find(({ data }) => data.answers.includes(id))
      const tookMs = (reply?.atMs ?? Number.POSITIVE_INFINITY) - Math.max(acknowledgedAtMs, readyMs)
      if (tookMs > PROMPT_MS) broken.push(`P4 ${name} was held up for ${Math.round(tookMs)} ms`)
      readyMs = Math.max(readyMs, reply?.atMs ?? 0)
    }
  }
  if (plan.weather === 'asleep')
    for (const { data, turn } of replies)
      if (data.status === 'failed' && data.text !== 'I refuse.')
        broken.push(`P4 a message failed because a stage was asleep: ${data.text} (${turn.slice(0, 8)})`)
  return broken
}

/** Words that no model is needed for, and words that the skill `echo` is needed for. */
const WITHOUT_MODEL = /^(echo|ring|refuse|\/|remember)/
const WITH_ECHO = /^(echo|use)/

function isFree({ weather, asleep, stuck }: Plan, { conversation, says }: Client['talk']): boolean {
  if (weather === 'storm') return false
  if (weather === 'stuck') return stuck.every(one => one.conversation !== conversation)
  return says.every(({ text }) =>
    asleep === 'generation' ? WITHOUT_MODEL.test(text) : !WITH_ECHO.test(text),
  )
}

/** P1 What was put back after it had failed, ends well, unless the person wanted something else meanwhile. */
export function putBackInVain(
  { clients, replies, letters }: Findings,
  plan: Plan,
  putBack: boolean,
): Violations {
  if (!putBack || plan.mode !== 'queue') return []
  const broken: Violations = []
  for (const { talk, acknowledged } of clients) {
    if (talk.says.some(({ text }) => text === '/stop')) continue
    for (const { id, name, text } of acknowledged) {
      if (!letters.some(({ data }) => data.event?.correlationid === id) || text.startsWith('refuse')) continue
      const last = replies.findLast(({ data }: Said) => data.answers.includes(id))
      if (last?.data.status !== 'completed')
        broken.push(`P1 ${name} was put back, and is ${last?.data.status}`)
    }
  }
  return broken
}
