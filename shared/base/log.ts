/** What a logger must have; pino's does. Fields come first, as `log.warn({ event: id }, 'the words')`. */
export type Logger = Record<
  'debug' | 'info' | 'warn' | 'error',
  (fields: object, message: string) => void
> & {
  child(fields: object): Logger
}

const noop = () => undefined

/** For tests, and for callers without a log. */
export const silentLogger: Logger = {
  debug: noop,
  info: noop,
  warn: noop,
  error: noop,
  child: () => silentLogger,
}
