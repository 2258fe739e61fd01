export type MomentContext = {
  saidAt: Date
  timeZone: string
  /** Of an hour that may be either, whether the one in the morning is meant. */
  morning: boolean
}
