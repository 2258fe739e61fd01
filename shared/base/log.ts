/**
 * The methods that a logger must have; pino has them. Fields come first, as in `log.warn({ event: id }, 'the words')`.
 */
export type Logger = Record<
  'debug' | 'info' | 'warn' | 'error',
  (fields: object, message: string) => void
> & {
  child(fields: object): Logger
}

const noop = () => undefined

/** A logger for tests and for callers without a log. */
export const silentLogger: Logger = {
  debug: noop,
  info: noop,
  warn: noop,
  error: noop,
  child: () => silentLogger,
}
