export type MomentContext = {
  saidAt: Date
  timeZone: string
  /** Whether an hour that may be either means the one in the morning. */
  morning: boolean
  /** The conversation's language, as a BCP 47 tag, for a text that does not show its own. */
  language?: string
}
