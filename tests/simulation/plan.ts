import type { Stuck } from './actors/trouble.ts'
import { hash32, openChance } from './chance.ts'

/** What people do in a run. */
export type Plan = {
  mode: 'queue' | 'merge' | 'interrupt'
  /**
   * `storm`: everything goes wrong. `stuck`: a stage fails some conversations, and nothing else goes wrong: the others
   * must not notice. `asleep`: a stage is away for a minute: all others go on, and its work waits for it.
   */
  weather: 'storm' | 'stuck' | 'asleep'
  /** Whether everything is encrypted, as it is by default. */
  isProtected: boolean
  talks: Talk[]
  stuck: Stuck[]
  /** Somebody who is forgotten when all of this is said, in some of the runs that are encrypted. */
  leaver?: Leaver
  /** The function that is away. */
  asleep?: string
}

export type Talk = { conversation: string; person: string; says: Saying[] }

/** `leavesAfterMs`: since the last thing that was said was taken in. */
export type Leaver = Talk & { leavesAfterMs: number }

export type Saying = {
  /** `c0.1`; also its idempotency key. */
  name: string
  text: string
  /** How long the person waits after the answer to the message before was given, or it was taken in. */
  pauseMs: number
  /** Whether the sender waits for the reply, as a client of the OpenAI API does. */
  waits: boolean
  /** What is sent along to be read. */
  document?: SentDocument
}

export type SentDocument = { name: string; text: string }

/** Talk may be as long as it likes. */
const TALK = ['good morning my friend', 'how do clouds stay up', 'tell me something about rivers'] as const
const TEXTS = [
  ...TALK,
  'echo the word apple',
  'echo the word pear',
  'use a tool for this please',
  'use tools without end for this',
  'ring the alarm in 3 seconds',
  'refuse to do it',
  'remember that my bicycle is green',
  'what colour is my bicycle?',
  '/status',
  '/help',
] as const

/** Too long for the log: it travels as a claim check. */
const LONG = ` ${'so'.repeat(135_000)}`

/** Several people may send the same one, and one of them several times; each has some passages. */
const DOCUMENTS: readonly SentDocument[] = ['garden', 'attic'].map(place => ({
  name: `${place}.txt`,
  text: ['spring', 'summer', 'autumn']
    .map(season => `In ${season} the ${place} is kept so. ${`The ${place} is looked after. `.repeat(15)}`)
    .join('\n\n'),
}))
const ABOUT_DOCUMENTS = ['which documents do you have?', 'forget the document garden.txt'] as const

/** As much of a text as people read. */
export const shown = (text: string): string => text.slice(0, 60)

const COMMANDS = ['/stop', '/new'] as const

export function planOf(seed: number): Plan {
  const { among, share, between } = openChance({ seed: hash32(seed, 'plan'), rates: new Map() })
  const kind = share('weather')
  const weather = kind < 0.76 ? 'storm' : kind < 0.9 ? 'stuck' : 'asleep'
  const isStorm = weather === 'storm'
  const mode = isStorm ? among('mode', ['queue', 'queue', 'merge', 'interrupt'] as const) : 'queue'
  const isProtected = share('protected') < 0.7
  const count = isStorm ? 1 + Math.floor(share('talks') * 4) : 5
  const hasDocuments = share('documents') < 0.5
  const texts = [
    ...TEXTS,
    ...(share('commands') < 0.3 ? COMMANDS : []),
    ...(hasDocuments ? ABOUT_DOCUMENTS : []),
  ]
  const said = (name: string): Pick<Saying, 'text' | 'document'> => {
    const text = among(`text ${name}`, texts)
    if (!(TALK as readonly string[]).includes(text)) return { text }
    if (share(`long ${name}`) < 0.2) return { text: text + LONG }
    if (hasDocuments && share(`brings ${name}`) < 0.7)
      return { text, document: among(`document ${name}`, DOCUMENTS) }
    return { text }
  }
  const haste = among('haste', [50, 500, 4_000])
  const talkOf = (conversation: string, person: string): Talk => ({
    conversation,
    person,
    says: Array.from({ length: 1 + Math.floor(share(`says ${conversation}`) * 5) }, (_, index) => ({
      name: `${conversation}.${index}`,
      ...said(`${conversation}.${index}`),
      pauseMs: between(`pause ${conversation}.${index}`, 0, haste),
      waits: share(`waits ${conversation}.${index}`) < 0.3,
    })),
  })
  const talks = Array.from({ length: count }, (_, talk) =>
    talkOf(`c${talk}`, among(`person c${talk}`, ['ann', 'bob'])),
  )
  const name = among('troubled', ['intent', 'memory', 'dialog', 'generation'] as const)
  if (weather === 'asleep')
    return { mode, weather, isProtected, talks, stuck: [], asleep: among('asleep', ['generation', 'echo']) }
  const how = weather === 'stuck' && share('how') < 0.25 ? 'hangs' : 'fails'
  const stuck = weather === 'stuck' ? talks.slice(0, how === 'hangs' ? 1 : 3) : []
  return {
    mode,
    weather,
    isProtected,
    talks,
    stuck: stuck.map(({ conversation }) => ({ function: name, conversation, how })),
    ...(isStorm &&
      isProtected &&
      share('leaver') < 0.5 && {
        leaver: {
          ...talkOf('gone', 'eve'),
          leavesAfterMs: between('leaver', 0, among('leaves', [10, 100, haste])),
        },
      }),
  }
}

/** The plan with only some of its messages, by their names. */
export function planWith({ leaver, ...plan }: Plan, says: ReadonlySet<string>): Plan {
  const only = <T extends Talk>(talk: T): T[] => {
    const left = talk.says.filter(({ name }) => says.has(name))
    return left.length === 0 ? [] : [{ ...talk, says: left }]
  }
  const [leaving] = leaver ? only(leaver) : []
  return { ...plan, talks: plan.talks.flatMap(only), ...(leaving && { leaver: leaving }) }
}

/** All that is said. */
export const saysIn = ({ talks, leaver }: Plan): Saying[] =>
  [...talks, ...(leaver ? [leaver] : [])].flatMap(({ says }) => says)
