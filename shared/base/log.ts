/** What a logger must have; pino's does. Fields come first, as `log.warn({ event: id }, 'the words')`. */
export type Log = Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void> & {
  child(fields: object): Log
}

const silent = () => undefined

/** For tests and for callers that do not care. */
export const noLog: Log = { debug: silent, info: silent, warn: silent, error: silent, child: () => noLog }
