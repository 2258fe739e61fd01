/**
 * The facts that the diagrams show besides events. No manifest holds them, so they are here. The check fails when the
 * code differs.
 */

/** The wrappers of a port, which keep its interface; the outermost comes first. */
export type DecoratorStack = {
  port: string
  /** The functions that wrap the port, with the purpose of each. */
  decorators: { name: string; does: string }[]
  /** The possible innermost drivers; the configuration selects one. */
  drivers: string[]
  /** The file that composes the stack; the check looks for each name in it. */
  file: string
}

const DRIVERS_FILE = 'shared/host/drivers.ts'

export const decoratorStacks: DecoratorStack[] = [
  {
    port: 'events',
    decorators: [
      { name: 'meteredEventLog', does: 'counts events' },
      { name: 'openEventLog', does: 'turns events into records; large data goes to the object store' },
      { name: 'protectedBus', does: 'encrypts with the key of the person' },
    ],
    drivers: ['sqlite', 'kafka'],
    file: DRIVERS_FILE,
  },
  {
    port: 'store',
    decorators: [
      { name: 'meteredStore', does: 'measures calls' },
      { name: 'protectedStore', does: 'encrypts with the key of the person' },
    ],
    drivers: ['sqlite', 'postgres'],
    file: DRIVERS_FILE,
  },
  {
    port: 'objects',
    decorators: [{ name: 'protectedObjects', does: 'encrypts with the key of the person' }],
    drivers: ['folder', 'minio'],
    file: DRIVERS_FILE,
  },
  {
    port: 'vectors',
    decorators: [{ name: 'protectedVectors', does: 'encrypts with the key of the person' }],
    drivers: ['sqlite', 'qdrant'],
    file: DRIVERS_FILE,
  },
  {
    port: 'models',
    decorators: [
      { name: 'meteredModels', does: 'counts tokens' },
      { name: 'lazyTextGenerator', does: 'loads the model at its first use' },
    ],
    drivers: ['llama', 'openai'],
    file: DRIVERS_FILE,
  },
  {
    port: 'invoker',
    decorators: [{ name: 'auditedInvoker', does: 'records the use of a skill before it is used' }],
    drivers: ['inline', 'http'],
    file: 'infra/connector/background.ts',
  },
]

/**
 * A transition of dialog's state machine, in one conversation. States: `idle`, and the stages of a turn in `state.ts`.
 */
export type Transition = {
  from: DialogStage
  to: DialogStage
  /** The condition that triggers the transition. */
  when: string
  /** The function that makes the transition; the check looks for it in the file. */
  name: string
  file: string
}

export type DialogStage = 'idle' | 'model' | 'skill' | 'tools'

const REQUESTS = 'functions/dialog/turn/requests.ts'
const RESULT = 'functions/dialog/events/result.ts'
const COMPLETION = 'functions/dialog/turn/completion.ts'

export const dialogTransitions: Transition[] = [
  { from: 'idle', to: 'model', when: 'a message that no skill takes', name: 'askModel', file: REQUESTS },
  { from: 'idle', to: 'skill', when: 'a message that a skill takes', name: 'askSkill', file: REQUESTS },
  {
    from: 'idle',
    to: 'idle',
    when: 'two skills are equally likely, so it asks which',
    name: 'askWhichSkill',
    file: 'functions/dialog/turn/questions.ts',
  },
  { from: 'model', to: 'tools', when: 'the model wants tools', name: 'callTools', file: RESULT },
  { from: 'tools', to: 'model', when: 'every tool has answered', name: 'continueWhenComplete', file: RESULT },
  { from: 'skill', to: 'model', when: 'the skill declines', name: 'onSkillResult', file: RESULT },
  { from: 'skill', to: 'idle', when: 'the skill answers', name: 'endTurn', file: COMPLETION },
  { from: 'model', to: 'idle', when: 'the model answers', name: 'endTurn', file: COMPLETION },
  { from: 'model', to: 'idle', when: 'dead letter', name: 'failTurn', file: COMPLETION },
  { from: 'skill', to: 'idle', when: 'dead letter', name: 'failTurn', file: COMPLETION },
  ...(['model', 'skill', 'tools'] as const).map(from => ({
    from,
    to: 'idle' as const,
    when: '/stop, or a newer message that interrupts',
    name: 'interruptTurn',
    file: COMPLETION,
  })),
  {
    from: 'idle',
    to: 'model',
    when: 'a dead letter that was put back has its result',
    name: 'resumeFailedTurn',
    file: 'functions/dialog/turn/queue.ts',
  },
]

/** Names that a file must contain, and the problem that the check reports when one is missing. */
export type CodeFact = { file: string; text: string; problem: string }

export const codeFacts: CodeFact[] = [
  ...decoratorStacks.flatMap(({ port, decorators, file }) =>
    decorators.map(({ name }) => ({
      file,
      text: `${name}(`,
      problem: `infra/pipeline/code-facts.ts says that ${name} wraps ${port} in ${file}, which does not call it`,
    })),
  ),
  ...dialogTransitions.map(({ name, file }) => ({
    file,
    text: `function ${name}(`,
    problem: `infra/pipeline/code-facts.ts names ${name} of ${file}, which has no such function`,
  })),
]
