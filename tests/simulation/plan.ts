import { type Address, ownerOf, webAddress } from '../../shared/contract/events/address.ts'
import type { StuckConversation } from './actors/trouble.ts'
import { hash32, openChance } from './chance.ts'

/** The people's actions in a run. */
export type Plan = {
  mode: 'queue' | 'merge' | 'interrupt'
  /**
   * `storm`: everything goes wrong. `stuck`: a stage fails some conversations, and nothing else goes wrong: the others
   * must not notice. `asleep`: a stage is away for a minute: all others go on, and its work waits for it.
   */
  scenario: 'storm' | 'stuck' | 'asleep'
  /** Whether everything is encrypted, as it is by default. */
  isProtected: boolean
  scripts: ConversationScript[]
  stuckConversations: StuckConversation[]
  /** A person who is forgotten after all of this, in some of the encrypted runs. */
  leaver?: Leaver
  /** The unreachable function. */
  unavailableFunction?: string
}

export type ConversationScript = { conversation: string; person: string; messages: PlannedMessage[] }

/** `erasedAfterMs`: since the last thing that was said was taken in. */
export type Leaver = ConversationScript & { erasedAfterMs: number }

export type PlannedMessage = {
  /** `c0.1`; also its idempotency key. */
  name: string
  text: string
  /** How long the person waits after the answer to the message before, or after its acknowledgement. */
  pauseMs: number
  /** Whether the sender waits for the reply, as a client of the OpenAI API does. */
  waits: boolean
  /** The attached document. */
  document?: SentDocument
  /** Where the person writes: on the page, or in one of two chats of another channel. */
  from: Origin
  /** In a group, the member who says it. */
  by?: string
}

/** The group of the runs in which several people share a conversation. */
export const GROUP = { id: 'kitchen', members: ['ann', 'bob', 'cid'] } as const
export const GROUP_OWNER = ownerOf({ kind: 'group', id: GROUP.id })

export const ORIGINS = ['page', 'chat-a', 'chat-b'] as const
export type Origin = (typeof ORIGINS)[number]

/** The channel of the chats, whose replies are pushed to a receiver of its own. */
export const CHAT_CHANNEL = 'chat'

export const addressOf = (origin: Origin, conversation: string): Address =>
  origin === 'page'
    ? webAddress(conversation)
    : { channel: CHAT_CHANNEL, account: 'default', chat: `${conversation}/${origin}` }

export type SentDocument = { name: string; text: string }

const PRIVATE_FACT = 'remember that my bicycle is green'
const PRIVATE_QUESTION = 'what colour is my bicycle?'

/** Talk may be as long as it likes. */
const SMALL_TALK = [
  'good morning my friend',
  'how do clouds stay up',
  'tell me something about rivers',
] as const
const MESSAGE_TEXTS = [
  ...SMALL_TALK,
  'echo the word apple',
  'echo the word pear',
  'use a tool for this please',
  'use tools without end for this',
  'ring the alarm in 3 seconds',
  'refuse to do it',
  PRIVATE_FACT,
  PRIVATE_QUESTION,
  '/status',
  '/help',
] as const

/** Too long for the log: it travels as a claim check. */
const LONG_SUFFIX = ` ${'so'.repeat(135_000)}`

/** Several people may send the same one, and one of them several times; each has some passages. */
const DOCUMENTS: readonly SentDocument[] = ['garden', 'attic'].map(place => ({
  name: `${place}.txt`,
  text: ['spring', 'summer', 'autumn']
    .map(season => `In ${season} the ${place} is kept so. ${`The ${place} is looked after. `.repeat(15)}`)
    .join('\n\n'),
}))
const DOCUMENT_REQUESTS = ['which documents do you have?', 'forget the document garden.txt'] as const

/** The shown part of a text. */
export const abbreviate = (text: string): string => text.slice(0, 60)

const COMMANDS = ['/stop', '/new'] as const

export function createPlan(seed: number): Plan {
  const { pick, uniform, between } = openChance({ seed: hash32(seed, 'plan'), rates: new Map() })
  const roll = uniform('weather')
  const scenario = roll < 0.76 ? 'storm' : roll < 0.9 ? 'stuck' : 'asleep'
  const isStorm = scenario === 'storm'
  const mode = isStorm ? pick('mode', ['queue', 'queue', 'merge', 'interrupt'] as const) : 'queue'
  const isProtected = uniform('protected') < 0.7
  const count = isStorm ? 1 + Math.floor(uniform('talks') * 4) : 5
  const hasDocuments = uniform('documents') < 0.5
  const texts = [
    ...MESSAGE_TEXTS,
    ...(uniform('commands') < 0.3 ? COMMANDS : []),
    ...(hasDocuments ? DOCUMENT_REQUESTS : []),
  ]
  const chooseContent = (name: string): Pick<PlannedMessage, 'text' | 'document'> => {
    const text = pick(`text ${name}`, texts)
    if (!(SMALL_TALK as readonly string[]).includes(text)) return { text }
    if (uniform(`long ${name}`) < 0.2) return { text: text + LONG_SUFFIX }
    if (hasDocuments && uniform(`brings ${name}`) < 0.7)
      return { text, document: pick(`document ${name}`, DOCUMENTS) }
    return { text }
  }
  const maxPauseMs = pick('haste', [50, 500, 4_000])
  const createScript = (conversation: string, person: string): ConversationScript => ({
    conversation,
    person,
    messages: Array.from({ length: 1 + Math.floor(uniform(`says ${conversation}`) * 5) }, (_, index) => ({
      name: `${conversation}.${index}`,
      ...chooseContent(`${conversation}.${index}`),
      pauseMs: between(`pause ${conversation}.${index}`, 0, maxPauseMs),
      waits: uniform(`waits ${conversation}.${index}`) < 0.3,
      from:
        uniform(`moves ${conversation}.${index}`) < 0.2
          ? pick(`moves to ${conversation}.${index}`, ORIGINS)
          : pick(`from ${conversation}`, ORIGINS),
    })),
  })
  /** Nobody tells the group what colour their bicycle is: if it knows, the memory is a member's own. */
  const createGroupScript = (conversation: string): ConversationScript => {
    const script = createScript(conversation, GROUP_OWNER)
    const messages = script.messages.map(message => {
      const { document: _, ...asks } = { ...message, text: PRIVATE_QUESTION }
      const isAsked = message.text.startsWith('remember') || uniform(`asks ${message.name}`) < 0.3
      return { ...(isAsked ? asks : message), by: pick(`by ${message.name}`, GROUP.members) }
    })
    return { ...script, messages }
  }
  const scripts = Array.from({ length: count }, (_, number) =>
    isStorm && number > 0 && uniform(`group c${number}`) < 0.35
      ? createGroupScript(`c${number}`)
      : createScript(`c${number}`, pick(`person c${number}`, ['ann', 'bob'])),
  )
  // A member has told the assistant alone what the group asks it.
  const [first] = scripts
  if (first && scripts.some(({ person }) => person === GROUP_OWNER)) {
    const { document: _, ...told } = first.messages[0]!
    first.messages[0] = { ...told, text: PRIVATE_FACT }
  }
  const name = pick('troubled', ['intent', 'memory', 'dialog', 'generation'] as const)
  if (scenario === 'asleep')
    return {
      mode,
      scenario,
      isProtected,
      scripts,
      stuckConversations: [],
      unavailableFunction: pick('asleep', ['generation', 'echo']),
    }
  const how = scenario === 'stuck' && uniform('how') < 0.25 ? 'hangs' : 'fails'
  const stuckScripts = scenario === 'stuck' ? scripts.slice(0, how === 'hangs' ? 1 : 3) : []
  return {
    mode,
    scenario,
    isProtected,
    scripts,
    stuckConversations: stuckScripts.map(({ conversation }) => ({ function: name, conversation, how })),
    ...(isStorm &&
      isProtected &&
      uniform('leaver') < 0.5 && {
        leaver: {
          ...createScript('gone', 'eve'),
          erasedAfterMs: between('leaver', 0, pick('leaves', [10, 100, maxPauseMs])),
        },
      }),
  }
}

/** The plan with only some of its messages, by their names. */
export function reducePlan({ leaver, ...plan }: Plan, keptNames: ReadonlySet<string>): Plan {
  const reduceScript = <T extends ConversationScript>(script: T): T[] => {
    const kept = script.messages.filter(({ name }) => keptNames.has(name))
    return kept.length === 0 ? [] : [{ ...script, messages: kept }]
  }
  const [reducedLeaver] = leaver ? reduceScript(leaver) : []
  return {
    ...plan,
    scripts: plan.scripts.flatMap(reduceScript),
    ...(reducedLeaver && { leaver: reducedLeaver }),
  }
}

/** All messages of the run. */
export const plannedMessages = ({ scripts, leaver }: Plan): PlannedMessage[] =>
  [...scripts, ...(leaver ? [leaver] : [])].flatMap(({ messages }) => messages)
