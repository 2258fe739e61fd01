import type { Reply } from '../../shared/contract/events/event-types.ts'

export type Stage = 'understanding' | 'remembering' | 'thinking' | 'writing' | 'using'

/** What happens in a conversation right now; `message` is the one being answered. */
export type LiveEvent =
  | { kind: 'stage'; message: string; stage: Stage; skill?: string }
  | { kind: 'stream'; message: string; offset: number; text: string }
  /** The turn ended. The text is in the history: the row whose `inReplyTo` this is. */
  | ({ kind: 'reply'; message: string } & Pick<Reply, 'answers' | 'inReplyTo' | 'usage'>)
  /** The history has changed: read what is new there. */
  | { kind: 'changed' }

export type LiveListener = (event: LiveEvent) => void
