import type { Reply } from '../../shared/contract/events/event-types.ts'

export type Stage = 'understanding' | 'remembering' | 'thinking' | 'writing' | 'using'

/** An event of a running turn; `message` is the message that the turn answers. */
export type LiveEvent =
  | { kind: 'stage'; message: string; stage: Stage; skill?: string }
  | { kind: 'stream'; message: string; offset: number; text: string }
  /** The turn ended. The history has the text: the row with this `inReplyTo`. */
  | ({ kind: 'reply'; message: string } & Pick<Reply, 'answers' | 'inReplyTo' | 'usage'>)
  /** The history has changed: the client reads the new rows. */
  | { kind: 'changed' }

export type LiveListener = (event: LiveEvent) => void
