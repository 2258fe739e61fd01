export type MomentContext = {
  saidAt: Date
  timeZone: string
  /** Of an hour that may be either, whether the one in the morning is meant. */
  morning: boolean
  /** The language of the conversation, as a BCP 47 tag, for a text that does not tell its own. */
  language?: string
}
