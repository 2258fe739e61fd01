import type { LiveEvent } from './live-event.ts'

type TurnEvent = Exclude<LiveEvent, { kind: 'changed' }>
type Turn = {
  conversation: string
  stage?: TurnEvent & { kind: 'stage' }
  text: string
  reply?: TurnEvent & { kind: 'reply' }
}

/**
 * The maximum number of cached turns. A client that connects late to another turn sees its text from the current
 * position on.
 */
const MAX_TURNS = 500
const MAX_TEXT_UNITS = 64 * 1024

/** Caches the state of running turns and of the last ended ones. */
export function createTurnCache() {
  const turns = new Map<string, Turn>()
  const turnOf = (conversation: string, message: string): Turn => {
    const turn = turns.get(message) ?? { conversation, text: '' }
    if (!turns.has(message)) turns.set(message, turn)
    if (turns.size > MAX_TURNS) turns.delete(turns.keys().next().value!)
    return turn
  }
  return {
    /** Returns false for an event after the end of its turn, because topics have no order among them. */
    record(conversation: string, event: TurnEvent): boolean {
      const turn = turnOf(conversation, event.message)
      if (turn.reply || (turn.stage && isInitialStage(event))) return false
      if (event.kind === 'stage') turn.stage = event
      else if (event.kind === 'stream') appendText(turn, event)
      else
        for (const message of [event.message, ...event.answers])
          finishTurn(turnOf(conversation, message), event)
      return true
    },
    /** The stages, the texts so far and the replies: a client that waits for a reply may have connected after it. */
    snapshot(conversation: string): LiveEvent[] {
      const events: LiveEvent[] = []
      for (const [message, turn] of turns) {
        if (turn.conversation !== conversation) continue
        if (turn.reply) events.push(turn.reply)
        else if (turn.stage) events.push(turn.stage)
        if (turn.text !== '') events.push({ kind: 'stream', message, offset: 0, text: turn.text })
      }
      return events
    },
  }
}

const isInitialStage = (event: TurnEvent): boolean =>
  event.kind === 'stage' && event.stage === 'understanding'

/** Appends a chunk. Drops a chunk that does not join the known text, for example after a start in the middle. */
function appendText(turn: Turn, { message, offset, text }: TurnEvent & { kind: 'stream' }): void {
  turn.stage = { kind: 'stage', message, stage: 'writing' }
  if (offset <= turn.text.length && offset + text.length <= MAX_TEXT_UNITS)
    turn.text = turn.text.slice(0, offset) + text
}

function finishTurn(turn: Turn, reply: TurnEvent & { kind: 'reply' }): void {
  turn.reply = reply
  turn.text = ''
}
